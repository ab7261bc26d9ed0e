//! What changes, for people: a unified diff of each object as YAML, whatever it
//! was written in.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::remark::Identity;
use crate::manifest::{self, yaml};

const HEAD: Style = Style::new().bold();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// Lines of context around a change.
const AROUND: usize = 3;

/// Appends the diff of an object; `before` is `None` for a new one.
///
/// # Errors
/// The object cannot be written as YAML.
pub fn write(before: Option<&str>, after: &str, out: &mut Vec<u8>) -> Result<(), manifest::Error> {
    let name = Identity::read(after);
    let (old, old_name) = match before {
        Some(before) => (yaml::from_json(before)?, Identity::read(before).to_string()),
        None => (String::new(), "/dev/null".to_owned()),
    };
    let new = yaml::from_json(after)?;
    head(out, &format!("--- {old_name}"));
    head(out, &format!("+++ {name}"));
    let diff = TextDiff::from_lines(&old, &new);
    for group in diff.grouped_ops(AROUND) {
        if let (Some(first), Some(last)) = (group.first(), group.last()) {
            let (old, new) = (first.old_range().start, first.new_range().start);
            let lengths = (last.old_range().end - old, last.new_range().end - new);
            let place = format!(
                "@@ -{},{} +{},{} @@",
                start(old, lengths.0),
                lengths.0,
                start(new, lengths.1),
                lengths.1
            );
            styled(out, PLACE, &place);
        }
        for op in group {
            for change in diff.iter_changes(&op) {
                let (sign, style) = match change.tag() {
                    ChangeTag::Delete => ('-', OLD),
                    ChangeTag::Insert => ('+', NEW),
                    ChangeTag::Equal => (' ', Style::new()),
                };
                let line = change.value().trim_end_matches('\n');
                styled(out, style, &format!("{sign}{line}"));
            }
        }
    }
    Ok(())
}

/// Lines count from 1; an empty range starts before the first.
fn start(index: usize, length: usize) -> usize {
    if length == 0 { index } else { index + 1 }
}

fn head(out: &mut Vec<u8>, text: &str) {
    styled(out, HEAD, text);
}

fn styled(out: &mut Vec<u8>, style: Style, text: &str) {
    // Writing to memory does not fail.
    let _ = writeln!(out, "{style}{text}{style:#}");
}
