//! The reference at the end of docs/mappings.md is what the schema says.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::fmt::Write as _;

const SCHEMA: &str = include_str!("../src/flex/schema.rs");
const VALUES: &str = include_str!("../src/values.rs");
const BEGIN: &str =
    "<!-- reference: written by the test translators/tests/mapping_reference.rs -->\n";
const END: &str = "<!-- end of reference -->\n";

/// A member of the file, and where its own members are explained.
struct Member {
    name: String,
    kind: String,
    is_needed: bool,
}

/// The members of a structure, as the source has them.
fn members(source: &str, structure: &str) -> Vec<Member> {
    let begin = format!("struct {structure} {{\n");
    let (_, rest) = source
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {structure}"));
    let (body, _) = rest.split_once("\n}\n").unwrap();
    let mut members = Vec::new();
    let (mut has_default, mut renamed) = (false, None);
    for line in body.lines().map(str::trim) {
        if line.starts_with("#[serde(default") {
            has_default = true;
        } else if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
            renamed = Some(name.trim_end_matches("\")]").to_owned());
        } else if let Some((name, kind)) = line
            .strip_prefix("pub ")
            .and_then(|field| field.split_once(": "))
        {
            let kind = kind.trim_end_matches(',');
            let optional = kind
                .strip_prefix("Option<")
                .and_then(|kind| kind.strip_suffix('>'));
            members.push(Member {
                name: renamed.take().unwrap_or_else(|| camel_case(name)),
                kind: optional.unwrap_or(kind).to_owned(),
                is_needed: optional.is_none() && !std::mem::take(&mut has_default),
            });
        }
    }
    assert!(!members.is_empty(), "{structure} has no members");
    members
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap().to_owned();
    for word in words {
        text.push_str(&word[..1].to_uppercase());
        text.push_str(&word[1..]);
    }
    text
}

/// The structures that a kind leads to, and what kinds are called.
fn in_words(kind: &str) -> (String, Option<String>) {
    for (list, words) in [
        ("Vec<", "a list: "),
        ("Ordered<", "a map: "),
        ("Spanned<", ""),
    ] {
        if let Some(inner) = kind.strip_prefix(list) {
            let (inner, structure) = in_words(inner.strip_suffix('>').unwrap());
            return (format!("{words}{inner}"), structure);
        }
    }
    let words = match kind {
        "String" => "text",
        "Cel" => "CEL",
        "bool" => "true or false",
        "Cow<'static, str>" => "text",
        "ValueKind" => "`text`, `switch`, `table` or `{choice: [a, b]}`",
        "Keys" => "a key, or a list of keys",
        "Confidence" => "`high`, `medium` or `low`",
        "serde_json::Value" => "an object",
        "BTreeMap<String, SiteValue>" => "a map: values",
        structure => {
            return (
                format!("[{structure}](#{})", structure.to_lowercase()),
                Some(structure.to_owned()),
            );
        }
    };
    (words.to_owned(), None)
}

fn reference() -> String {
    let mut text = String::new();
    let mut structures = vec!["MappingFile".to_owned()];
    let mut at = 0;
    while let Some(structure) = structures.get(at).cloned() {
        at += 1;
        write!(
            text,
            "\n### {structure}\n\n| field | kind | needed |\n|---|---|---|\n"
        )
        .unwrap();
        let source = if structure == "ValueSpec" {
            VALUES
        } else {
            SCHEMA
        };
        for member in members(source, &structure) {
            let (kind, leads_to) = in_words(&member.kind);
            let needed = if member.is_needed { "yes" } else { "" };
            writeln!(text, "| `{}` | {kind} | {needed} |", member.name).unwrap();
            if let Some(next) = leads_to
                && !structures.contains(&next)
            {
                structures.push(next);
            }
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_reference_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mappings.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let reference = reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{reference}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written == reference,
        "docs/mappings.md is not what the schema says; UPDATE_GOLDEN=1 writes it"
    );
    // What each field is for stands before, in words.
    for structure in ["MappingFile", "VolumeSpec"] {
        for member in members(SCHEMA, structure) {
            let explained = format!("`{}`", member.name);
            assert!(before.contains(&explained), "{explained} is not explained");
        }
    }
}
