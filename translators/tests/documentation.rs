//! What the documentation says of notes is what the code says, and sources are all
//! documented alike.

use std::fmt::Write;
use std::path::Path;

use flex2csi_translators::in_tree::stored::catalogue;
use flex2csi_translators::{Code, Severity};

const HEAD: &str = "\
# Notes

Every choice that changes how a volume behaves is a note with a stable code: on stderr, and in the [report](report.md).

| severity | what it asks for |
|---|---|
| `info` | good to know |
| `warn` | look at it before the object is used |
| `block` | the object failed, and is as it was |
";

#[test]
fn every_code_is_explained() {
    let mut text = HEAD.to_owned();
    for severity in [Severity::Block, Severity::Warn, Severity::Info] {
        let name = format!("{severity:?}").to_lowercase();
        write!(
            text,
            "\n## {name}\n\n| code | what it says | what to do |\n|---|---|---|\n"
        )
        .unwrap();
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            let (meaning, remedy) = (code.meaning(), code.remedy());
            writeln!(text, "| `{code}` | {meaning} | {remedy} |").unwrap();
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/notes.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "docs/notes.md is not what the code says; UPDATE_GOLDEN=1 writes it"
    );
}

/// What the head of each source's file says, in this order.
const HEADINGS: [&str; 7] = [
    "# In-tree source",
    "# CSI driver",
    "# Fields",
    "# Topology",
    "# StorageClass",
    "# What is lost",
    "# References",
];

#[test]
fn every_source_says_the_same_things_of_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/in_tree");
    let mut sources = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains("impl Store for ") && !text.contains("impl Plugin for ") {
            continue;
        }
        sources += 1;
        let head = text.lines().map_while(|line| line.strip_prefix("//!"));
        let found: Vec<&str> = head
            .map(str::trim)
            .filter(|line| HEADINGS.contains(line))
            .collect();
        assert_eq!(found, HEADINGS, "{}", path.display());
    }
    // One file for the four kept ones, and one for each other.
    assert_eq!(sources + 3, catalogue().count());
}
