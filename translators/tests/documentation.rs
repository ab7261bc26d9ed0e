//! What the documentation says of notes is what the code says.

use std::fmt::Write;
use std::path::Path;

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
