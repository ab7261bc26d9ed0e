//! docs/troubleshooting.md quotes messages that the program has.

use std::fs;
use std::path::Path;

/// The text of all sources, with strings that go over several lines in one.
fn sources(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let mut lines = source.lines();
            while let Some(line) = lines.next() {
                let mut whole = line.to_owned();
                while let Some(before) = whole.strip_suffix('\\') {
                    whole = before.to_owned() + lines.next().unwrap_or_default().trim_start();
                }
                text.push_str(&whole);
                text.push('\n');
            }
        }
    }
}

/// The first cells of tables, as they are quoted.
fn messages(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once("` |").unwrap().0).collect()
}

#[test]
fn every_message_is_one_of_the_program() {
    let mut text = String::new();
    for directory in ["src", "exec/src", "translators/src"] {
        sources(Path::new(directory), &mut text);
    }
    let page = fs::read_to_string("docs/troubleshooting.md").unwrap();
    let messages = messages(&page);
    assert!(messages.len() > 30, "{messages:?}");
    for message in messages {
        let mut fixed = message
            .split('…')
            .map(str::trim)
            .filter(|part| part.len() > 1);
        let longest = fixed.clone().map(str::len).max().unwrap();
        assert!(longest > 10, "too little to look for: {message}");
        assert!(
            fixed.all(|part| text.contains(part)),
            "no source says {message:?}"
        );
    }
}
