//! Each object of some inputs, as JSON.

use std::path::Path;

use super::{Error, Format, JsonSplitter, Piece, Source, expand, open, yaml};

/// An object in a file, or an item of a list in one.
#[derive(Debug)]
pub struct Found<'a> {
    /// The object, JSON. It may still not parse.
    pub json: &'a [u8],
    /// Its kind where it leaves it out, as the items of an API server's list do.
    pub item_kind: Option<&'a str>,
    /// Its apiVersion, likewise.
    pub item_api_version: Option<&'a str>,
}

/// What is there to be seen.
#[derive(Debug)]
pub enum Seen<'a> {
    /// An object.
    Object(Found<'a>),
    /// Something that cannot be read, as `<file>: <what is wrong>`. What comes
    /// after it may still be read.
    Broken(String),
}

/// Shows every object of some files and directories, in their order. Items of
/// lists are objects; what is in other forms than JSON is made JSON.
///
/// # Errors
/// What `see` says, at once; or an input cannot be listed, opened or read.
pub fn each_object<E: From<Error>>(
    inputs: &[impl AsRef<Path>],
    mut see: impl FnMut(Seen<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for source in expand(inputs, false)? {
        let mut reader = open(&source)?;
        let format = reader.format();
        while let Some(piece) = reader.next()? {
            match (piece, format) {
                (Piece::Object { text, line, .. }, Format::Yaml) => {
                    match in_document(text, line, &mut see)? {
                        Ok(()) => {}
                        Err(error) => see(broken(&source, &error))?,
                    }
                }
                (piece, _) => show(&source, piece, &mut see)?,
            }
        }
    }
    Ok(())
}

/// The outer error is `see`'s, the inner the document's.
fn in_document<E>(
    text: &[u8],
    line: u64,
    see: &mut impl FnMut(Seen<'_>) -> Result<(), E>,
) -> Result<Result<(), Error>, E> {
    let json = match yaml::text(text, line).and_then(|text| yaml::to_json(text, line)) {
        Ok(json) => json,
        Err(error) => return Ok(Err(error)),
    };
    let mut splitter = JsonSplitter::new(json.as_bytes());
    // Reading from memory does not fail, and what is JSON is not broken: a
    // document without an object is what remains.
    while let Ok(Some(piece)) = splitter.next() {
        if let Piece::Object { text, list, .. } = piece {
            see(object(text, list))?;
        }
    }
    Ok(Ok(()))
}

fn show<E>(
    source: &Source,
    piece: Piece<'_>,
    see: &mut impl FnMut(Seen<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match piece {
        Piece::Object { text, list, .. } => see(object(text, list)),
        Piece::Broken {
            error: Some(error), ..
        } => see(broken(source, &error)),
        // The rest of what was said to be broken already.
        Piece::Between(_) | Piece::Broken { .. } => Ok(()),
    }
}

fn object<'a>(json: &'a [u8], list: Option<super::ListItem<'a>>) -> Seen<'a> {
    let item_kind = list.as_ref().and_then(super::ListItem::item_kind);
    Seen::Object(Found {
        json,
        item_kind,
        item_api_version: item_kind.and(list.and_then(|list| list.api_version)),
    })
}

fn broken(source: &Source, error: &Error) -> Seen<'static> {
    Seen::Broken(format!("{source}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen of a file, a line each.
    fn seen(name: &str, text: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(name), text).unwrap();
        let mut lines = Vec::new();
        let root = directory.path().display().to_string();
        each_object::<Error>(&[directory.path()], |seen| {
            lines.push(match seen {
                Seen::Object(found) => {
                    let json: serde_json::Value = serde_json::from_slice(found.json).unwrap();
                    let kind = found.item_kind.or(json["kind"].as_str()).unwrap_or("?");
                    format!("{kind} {}", json["metadata"]["name"].as_str().unwrap())
                }
                Seen::Broken(problem) => problem.replace(&root, ""),
            });
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn items_are_objects_in_every_form() {
        let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"kind": "Pod", "metadata": {"name": "a"}}, {"kind": "Secret", "metadata": {"name": "b"}}]}"#;
        let typed =
            r#"{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "c"}}]}"#;
        let two = format!("{list}\n{typed}");
        assert_eq!(seen("a.json", &two), ["Pod a", "Secret b", "Pod c"]);
        let yaml = format!("# first\n---\n{list}\n--- # second\n{typed}\n---\n# nothing\n");
        assert_eq!(seen("a.yaml", &yaml), ["Pod a", "Secret b", "Pod c"]);
    }

    #[test]
    fn what_is_broken_is_said_with_its_place_and_the_rest_is_seen() {
        let lines = seen("a.yaml", "kind: [\n---\nkind: Pod\nmetadata: {name: a}\n");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("/a.yaml: line "), "{lines:?}");
        assert_eq!(lines[1], "Pod a");
        let lines = seen(
            "a.json",
            "{\"kind\": ]}\n{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}",
        );
        assert!(lines[0].starts_with("/a.json: line 1"), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "Pod a");
    }
}
