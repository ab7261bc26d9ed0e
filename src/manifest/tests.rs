//! The parts together, as the translation uses them.

use super::{DEFAULT_LIMIT, JsonSplitter, Piece, Reader, yaml};

/// Goes through an input as a translation does that renames every object which
/// is called `old`: items are looked at one by one, in YAML as in JSON.
fn rename(input: &str) -> String {
    let mut reader = Reader::new(
        std::io::Cursor::new(input.as_bytes().to_vec()),
        DEFAULT_LIMIT,
    )
    .unwrap();
    let format = reader.format();
    let mut output = String::new();
    while let Some(piece) = reader.next().unwrap() {
        let original = std::str::from_utf8(piece.text()).unwrap();
        let Piece::Object {
            line, own_marker, ..
        } = piece
        else {
            output.push_str(original);
            continue;
        };
        if format == super::Format::Json {
            output.push_str(&original.replace("\"old\"", "\"new\""));
            continue;
        }
        let json = yaml::to_json(original, line).unwrap();
        let changed = rename_items(&json);
        if changed == json {
            output.push_str(original);
            continue;
        }
        if own_marker {
            output.push_str("---\n");
        }
        output.push_str(&yaml::from_json(&changed).unwrap());
    }
    output
}

fn rename_items(json: &str) -> String {
    let mut splitter = JsonSplitter::new(json.as_bytes());
    let mut changed = String::new();
    while let Some(piece) = splitter.next().unwrap() {
        let text = std::str::from_utf8(piece.text()).unwrap();
        match piece {
            Piece::Object { .. } => changed.push_str(&text.replace("\"old\"", "\"new\"")),
            Piece::Between(_) => changed.push_str(text),
            Piece::Broken { error, .. } => panic!("{error:?}"),
        }
    }
    changed
}

#[test]
fn a_yaml_list_is_split_as_json_and_written_again() {
    assert_eq!(
        rename(
            "# kept\n---\napiVersion: v1\nitems:\n- kind: A\n  mode: 0644 # why\n  name: old\n- {kind: A, name: x}\nkind: List\n---\nkind: A # untouched\nname:   \"x\"\n"
        ),
        "# kept\n---\napiVersion: v1\nitems:\n- kind: A\n  mode: 420\n  name: new\n- kind: A\n  name: x\nkind: List\n---\nkind: A # untouched\nname:   \"x\"\n"
    );
}

#[test]
fn a_yaml_list_with_its_kind_behind_the_items_has_items() {
    let json = yaml::to_json("items:\n- {kind: A}\n- {kind: B}\nkind: List\n", 1).unwrap();
    let mut splitter = JsonSplitter::new(json.as_bytes());
    let mut items = Vec::new();
    while let Some(piece) = splitter.next().unwrap() {
        if let Piece::Object {
            text,
            list: Some(_),
            ..
        } = piece
        {
            items.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    assert_eq!(items, [r#"{"kind":"A"}"#, r#"{"kind":"B"}"#]);
}

#[test]
fn a_document_with_its_own_marker_can_be_replaced() {
    assert_eq!(
        rename("a: 1\n--- {name: old}\n---\nname: old\n"),
        "a: 1\n---\nname: new\n---\nname: new\n"
    );
    assert_eq!(rename("%YAML 1.1\n---\nname: old\n"), "---\nname: new\n");
}

#[test]
fn untouched_json_is_copied_to_the_byte() {
    let input = "{\"name\" : \"x\",\t\"n\": 1.50e3}\r\n\r\n{\"kind\":\"List\",\"items\":[ {\"name\":\"old\"} , {} ] }";
    assert_eq!(rename(input), input.replace("old", "new"));
}
