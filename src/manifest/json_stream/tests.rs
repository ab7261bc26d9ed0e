use std::io::{self, Read};

use proptest::prelude::*;

use super::JsonSplitter;
use crate::manifest::{Error, Piece, Place};

/// A piece without its borrow; errors as their text.
#[derive(Debug, PartialEq)]
enum Seen {
    Between(String),
    Object(u64, String),
    /// The list's kind, or `?`.
    Item(u64, String, String),
    Broken(u64, String, Option<String>),
}

/// Reads at most so many bytes at once, by turns, with interruptions.
struct Chunks<'a> {
    rest: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        let size = match self.sizes.get(self.turn % (self.sizes.len() + 1)) {
            Some(0) => return Err(io::ErrorKind::Interrupted.into()),
            Some(size) => *size,
            None => 1,
        };
        let size = size.min(buffer.len()).min(self.rest.len());
        let (now, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.rest = rest;
        Ok(size)
    }
}

fn read(splitter: &mut JsonSplitter<impl Read>) -> Vec<Seen> {
    // A character a byte, so that pieces may end anywhere.
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let mut seen = Vec::new();
    while let Some(piece) = splitter.next().unwrap() {
        seen.push(match piece {
            Piece::Between(bytes) => Seen::Between(text(bytes)),
            Piece::Object {
                text: bytes,
                line,
                list: None,
                ..
            } => Seen::Object(line, text(bytes)),
            Piece::Object {
                text: bytes,
                line,
                list: Some(list),
                ..
            } => Seen::Item(line, list.kind.unwrap_or("?").to_owned(), text(bytes)),
            Piece::Broken {
                text: bytes,
                line,
                error,
            } => Seen::Broken(line, text(bytes), error.map(|error| error.to_string())),
        });
    }
    seen
}

fn split(input: &str) -> Vec<Seen> {
    read(&mut JsonSplitter::new(input.as_bytes()))
}

fn split_limited(input: &str, limit: usize) -> Vec<Seen> {
    let chunks = Chunks {
        rest: input.as_bytes(),
        sizes: vec![3],
        turn: 0,
    };
    read(&mut JsonSplitter::new(chunks).with_limit(limit))
}

fn between(text: &str) -> Seen {
    Seen::Between(text.to_owned())
}

fn object(line: u64, text: &str) -> Seen {
    Seen::Object(line, text.to_owned())
}

fn item(line: u64, list: &str, text: &str) -> Seen {
    Seen::Item(line, list.to_owned(), text.to_owned())
}

fn broken(line: u64, text: &str, error: &str) -> Seen {
    Seen::Broken(line, text.to_owned(), Some(error.to_owned()))
}

/// The objects, whatever is around them.
fn objects(seen: &[Seen]) -> Vec<&str> {
    let text = |seen| match seen {
        &Seen::Object(_, ref text) | &Seen::Item(_, _, ref text) => Some(text.as_str()),
        _ => None,
    };
    seen.iter().filter_map(text).collect()
}

#[test]
fn concatenated_delimited_and_pretty_objects_are_told_apart() {
    assert_eq!(
        split("{\"a\":1}{\"b\":2}\r\n{\"c\":3}\n\n {\n  \"d\": 4\n}\n{}"),
        [
            object(1, "{\"a\":1}"),
            object(1, "{\"b\":2}"),
            between("\r\n"),
            object(2, "{\"c\":3}"),
            between("\n\n "),
            object(4, "{\n  \"d\": 4\n}"),
            between("\n"),
            object(7, "{}"),
        ]
    );
}

#[test]
fn an_input_of_nothing_has_no_objects() {
    assert_eq!(split(""), []);
    let mark = between("\u{ef}\u{bb}\u{bf}");
    assert_eq!(split("\u{feff}"), [mark]);
    assert_eq!(objects(&split("\u{feff} {}")), ["{}"]);
}

#[test]
fn brackets_and_escapes_in_strings_do_not_count() {
    let input = r#"{"a":"}{][\"}","b\\":"\\","c":["\\\"]"]}"#;
    assert_eq!(split(input), [object(1, input)]);
}

#[test]
fn kubectls_list_has_its_kind_behind_the_items() {
    let list = r#"{
    "apiVersion": "v1",
    "items": [
        {
            "kind": "PersistentVolume"
        },
        {
            "kind": "Pod"
        }
    ],
    "kind": "List"
}
"#;
    let [head, first, comma, second, end, tail, newline] = &split(list)[..] else {
        panic!("{:?}", split(list));
    };
    assert_eq!(
        *head,
        between("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        ")
    );
    assert_eq!(
        *first,
        item(
            4,
            "?",
            "{\n            \"kind\": \"PersistentVolume\"\n        }"
        )
    );
    assert_eq!(*comma, between(",\n        "));
    assert_eq!(
        *second,
        item(7, "?", "{\n            \"kind\": \"Pod\"\n        }")
    );
    assert_eq!(*end, between("\n    ]"));
    assert_eq!(*tail, between(",\n    \"kind\": \"List\"\n}"));
    assert_eq!(*newline, between("\n"));
}

#[test]
fn the_apis_list_has_its_kind_first_and_its_items_have_none() {
    let list = r#"{"kind":"PersistentVolumeList","apiVersion":"v1","items":[{"metadata":{}},{}]}"#;
    let mut splitter = JsonSplitter::new(list.as_bytes());
    let mut items = 0;
    while let Some(piece) = splitter.next().unwrap() {
        if let Piece::Object { list, .. } = piece {
            let list = list.unwrap();
            assert_eq!(list.kind, Some("PersistentVolumeList"));
            assert_eq!(list.api_version, Some("v1"));
            assert_eq!(list.item_kind(), Some("PersistentVolume"));
            items += 1;
        }
    }
    assert_eq!(items, 2);
}

#[test]
fn a_plain_list_says_nothing_of_its_items() {
    let mut splitter = JsonSplitter::new(&br#"{"kind":"List","items":[{}]}"#[..]);
    splitter.next().unwrap();
    let Some(Piece::Object {
        list: Some(list), ..
    }) = splitter.next().unwrap()
    else {
        panic!()
    };
    assert_eq!(list.item_kind(), None);
}

#[test]
fn what_only_looks_like_a_list_is_one_object() {
    for input in [
        // Inside of something else, and in a string.
        r#"{"spec":{"items":[{"kind":"A"}]},"x":"\"items\":[{\"kind\":\"A\"}]"}"#,
        // A value of that name.
        r#"{"x":"items","y":[{"kind":"A"}]}"#,
        // A kind that is no list's.
        r#"{"kind":"ConfigMap","items":[{"kind":"A"}]}"#,
        // Items without kinds, and no kind so far.
        r#"{"apiVersion":"v1","items":[{"spec":{"kind":"A"}}],"kind":"PersistentVolumeList"}"#,
        r#"{"items":[{"x":"kind"}]}"#,
        // Items that are no objects, and no items.
        r#"{"items":["a",{"kind":"A"}]}"#,
        r#"{"items":{"kind":"A"}}"#,
        r#"{"items":null,"kind":"List"}"#,
    ] {
        assert_eq!(split(input), [object(1, input)], "{input}");
    }
}

#[test]
fn a_list_of_nothing_goes_through() {
    for input in [
        r#"{"items":[ ],"kind":"List"}"#,
        r#"{"kind":"PodList","items":[]}"#,
    ] {
        let seen = split(&format!("{input}{{}}"));
        assert_eq!(objects(&seen), ["{}"], "{seen:?}");
        assert!(
            !seen.iter().any(|seen| matches!(seen, Seen::Broken(..))),
            "{seen:?}"
        );
    }
}

#[test]
fn items_that_are_no_objects_are_the_lists_own() {
    let input = r#"{"apiVersion":"v1","kind":"XList","items":[null,{"a":1}, "}\"", [{"b":2}],-1.5e3 ,true]} {"c":3}"#;
    let seen = split(input);
    assert_eq!(objects(&seen), [r#"{"a":1}"#, r#"{"c":3}"#], "{seen:?}");
    assert!(
        !seen.iter().any(|seen| matches!(seen, Seen::Broken(..))),
        "{seen:?}"
    );
}

#[test]
fn a_line_that_is_cut_short_does_not_take_the_next_with_it() {
    for (cut, error) in [
        (
            r#"{"a":{"b":1}"#,
            "line 2, column 1: a new object starts here, but the one that starts on line 1 is not closed",
        ),
        (
            r#"{"a":1,"#,
            "line 2, column 1: a new object starts here, but the one that starts on line 1 is not closed",
        ),
        (
            r#"{"a":"b"#,
            "line 1, column 8: line break inside a string; close the string, or write the break as \\n",
        ),
        (
            // The next line might be the value; the one behind it cannot belong.
            r#"{"a":"#,
            "line 3, column 1: a new object starts here, but the one that starts on line 1 is not closed",
        ),
        (
            r#"{"a":[1}"#,
            "line 1, column 8: '}' where ']' has to close first, in the object that starts on line 1",
        ),
    ] {
        let seen = split(&format!("{cut}\n{{\"c\":3}}\n{{\"d\":4}}\n"));
        let expected = [
            broken(1, &format!("{cut}\n"), error),
            object(2, "{\"c\":3}"),
            between("\n"),
            object(3, "{\"d\":4}"),
            between("\n"),
        ];
        assert_eq!(seen, expected, "{cut}");
    }
}

#[test]
fn an_input_that_is_cut_short_keeps_what_was_whole() {
    let seen = split("{\"kind\":\"List\",\"items\":[\n{\"a\":1},\n {\"b\":");
    assert_eq!(objects(&seen), ["{\"a\":1}"]);
    assert_eq!(
        seen.last(),
        Some(&broken(
            3,
            "{\"b\":",
            "line 3, column 7: the input ends inside the object that starts on line 1; it was cut short"
        ))
    );
    let seen = split("{\"kind\":\"List\",\"items\":[{\"a\":1},");
    assert!(
        matches!(seen.last(), Some(Seen::Broken(1, text, Some(_))) if text.is_empty()),
        "{seen:?}"
    );
}

#[test]
fn stray_text_is_named_and_kept() {
    let cases = [
        ("}", "'}'", ""),
        ("null", "'null'", ""),
        (
            "--- # x",
            "'---'",
            "; to read this as YAML, start the input with a --- line",
        ),
        (
            "[{}]",
            "'[{}]'",
            "; give the objects one after the other, or as a List",
        ),
        ("\u{1}", "byte 0x01", ""),
    ];
    for (stray, found, hint) in cases {
        let seen = split(&format!("{{}}\n{stray}\n{{\"a\":1}}"));
        let error = format!("line 2, column 1: {found} where an object has to start{hint}");
        let expected = [
            object(1, "{}"),
            between("\n"),
            broken(2, &format!("{stray}\n"), &error),
            object(3, "{\"a\":1}"),
        ];
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_list_with_a_wrong_separator_is_broken_from_there() {
    let seen = split("{\"kind\":\"List\",\"items\":[{\"a\":1} {\"b\":2}]}\n{\"c\":3}");
    assert_eq!(objects(&seen), ["{\"a\":1}", "{\"c\":3}"]);
    assert!(seen.contains(&broken(
        1,
        "{\"b\":2}]}\n",
        "line 1, column 33: '{\"b\":2}]}' in a list, where , or ] has to come"
    )));
    let seen = split("{\"kind\":\"List\",\"items\":[{\"a\":1},]}");
    assert!(seen.contains(&broken(
        1,
        "]}",
        "line 1, column 33: ']}' in a list, where an item has to come"
    )));
}

/// A list of three items, indented by `indent`, of which the second is `broken`.
fn indented(indent: &str, broken: &str) -> String {
    let item = |name| format!("{indent}{{\n{indent} \"kind\": \"{name}\"\n{indent}}}");
    let (first, last) = (item("A"), item("C"));
    format!(
        "{{\n\"apiVersion\": \"v1\",\n\"items\": [\n{first},\n{indent}{broken},\n{last}\n ],\n\"kind\": \"List\"\n}}\n{{}}\n"
    )
}

#[test]
fn after_a_broken_item_the_list_goes_on_where_an_item_starts_as_it_did() {
    for indent in ["    ", "\t", "  \t"] {
        for broken in [
            "{\n \"a\": {",
            "{\"a\": ]}",
            "{\"a\": \"b}",
            "}",
            "{} {}",
            "{\n \"a\": {\n",
        ] {
            let input = indented(indent, broken);
            let seen = split(&input);
            let items: Vec<_> = seen
                .iter()
                .filter(|seen| matches!(seen, Seen::Item(_, _, text) if text.contains("kind")))
                .collect();
            assert_eq!(items.len(), 2, "{input}\n{seen:?}");
            let errors = |seen: &&Seen| matches!(seen, Seen::Broken(_, _, Some(_)));
            assert_eq!(seen.iter().filter(errors).count(), 1, "{seen:?}");
            let tail =
                |seen: &Seen| matches!(seen, Seen::Between(text) if text.ends_with("\"List\"\n}"));
            assert!(seen.iter().any(tail), "{seen:?}");
            assert_eq!(objects(&seen).last(), Some(&"{}"));
        }
    }
}

#[test]
fn items_in_the_first_column_are_still_items_after_a_broken_one() {
    let input =
        "{\"kind\":\"List\",\"items\":[\n{\"a\":1},\n{\"x\":]},\n{\"b\":2}\n]\n}\n{\"c\":3}\n";
    let seen = split(input);
    assert!(seen.contains(&item(4, "List", "{\"b\":2}")), "{seen:?}");
    assert!(seen.contains(&object(7, "{\"c\":3}")), "{seen:?}");
    let errors = |seen: &&Seen| matches!(seen, Seen::Broken(_, _, Some(_)));
    assert_eq!(seen.iter().filter(errors).count(), 1, "{seen:?}");
}

#[test]
fn a_broken_item_may_be_the_first_or_the_last() {
    let input = indented("  ", "{\"kind\": \"B\"}");
    let first = input.replace("\"A\"", "\"A\"]");
    assert_eq!(objects(&split(&first)).len(), 3, "{:?}", split(&first));
    let last = input.replace("\"C\"", "\"C\"]");
    let seen = split(&last);
    assert_eq!(objects(&seen).len(), 3, "{seen:?}");
    assert!(
        seen.contains(&between("]")) || seen.contains(&between(" ]")),
        "{seen:?}"
    );
}

#[test]
fn the_items_of_a_list_whose_kind_is_known_are_found_wherever_it_stands() {
    let input = r#"{"items":[{"a":1},{"b":2}],"kind":"PodList"}{"items":[{"c":3}]}"#;
    let seen = read(&mut JsonSplitter::new(input.as_bytes()).of_list("v1", "PodList"));
    assert_eq!(
        objects(&seen),
        [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"items":[{"c":3}]}"#]
    );
    assert!(seen.contains(&item(1, "PodList", r#"{"a":1}"#)), "{seen:?}");
}

#[test]
fn nesting_is_bounded() {
    let deep = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(split(&deep(127)), [object(1, &deep(127))]);
    let seen = split(&format!("{}\n{{}}", deep(128)));
    assert!(matches!(&seen[0], Seen::Broken(1, _, Some(error)) if error.contains("128 levels")));
    assert_eq!(objects(&seen), ["{}"]);
    split(&"[".repeat(100_000));
    split(&"{\"a\":".repeat(100_000));
}

#[test]
fn an_object_over_the_limit_is_passed_through_and_the_next_is_read() {
    let large = format!("{{\"a\":\"{}\",\n{{\"b\":[]}}", "x}".repeat(500));
    let large = large.replace(",\n{", ",\n \"c\":{") + "}";
    let input = format!("{{}}\n{large}{{\"d\":1}}");
    let seen = split_limited(&input, 100);
    assert_eq!(objects(&seen), ["{}", "{\"d\":1}"], "{seen:?}");
    let errors: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Broken(line, _, error) => Some((*line, error.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(errors[0], (2, true));
    assert!(errors[1..].iter().all(|(_, error)| !error), "{errors:?}");
}

#[test]
fn a_list_may_be_larger_than_the_limit_but_its_items_may_not() {
    let small = "{\"kind\":\"A\"}";
    let items = vec![small; 100].join(", ");
    let input = format!("{{\"items\":[{items}],\"kind\":\"List\"}}");
    let seen = split_limited(&input, 50);
    assert_eq!(objects(&seen).len(), 100, "{seen:?}");

    let input = format!(
        "{{\"items\":[{small},{{\"kind\":\"B\",\"x\":\"{}\"}},{small}],\"kind\":\"List\"}}{{}}",
        "y".repeat(200)
    );
    let seen = split_limited(&input, 50);
    assert_eq!(objects(&seen), [small, small, "{}"], "{seen:?}");
}

#[test]
fn a_read_error_ends_it() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut splitter = JsonSplitter::new(b"{\"a\"".chain(Fails));
    assert!(matches!(splitter.next(), Err(Error::Read(_))));
}

#[test]
fn places_count_bytes_from_one() {
    let mut splitter = JsonSplitter::new(&b"{}\n{}  x"[..]);
    while let Some(piece) = splitter.next().unwrap() {
        if let Piece::Broken {
            error: Some(Error::Stray { at, .. }),
            ..
        } = piece
        {
            assert_eq!(at, Place { line: 2, column: 5 });
            return;
        }
    }
    panic!("no error");
}

/// Text of the bits that matter to the splitter.
fn jumble() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\n{",
        " ",
        "\"",
        "\\",
        "\"items\":",
        "\"items\":[",
        "\"kind\":",
        "\"List\"",
        "{\"kind\":\"A\"}",
        "{\"kind\":\"List\",\"items\":[",
        "1",
        "null",
        "x",
        "\u{feff}",
        "\r\n",
        "{}",
        "]}",
        ",\n  {",
        "\n  {",
        "\n ]",
        "{\"kind\":\"List\",\"items\":[\n  {",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(bit, 0..60).prop_map(|bits| bits.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn pieces_are_the_input(
        input in jumble(),
        sizes in prop::collection::vec(0_usize..40, 0..5),
        limit in 1_usize..300,
    ) {
        let chunks = Chunks { rest: &input, sizes, turn: 0 };
        let mut splitter = JsonSplitter::new(chunks).with_limit(limit);
        let mut output = Vec::new();
        while let Some(piece) = splitter.next().unwrap() {
            if let Piece::Broken { line, .. } | Piece::Object { line, .. } = &piece {
                let before = output.iter().filter(|b| **b == b'\n').count() as u64;
                prop_assert_eq!(*line, before + 1);
            }
            output.extend_from_slice(piece.text());
        }
        prop_assert_eq!(output, input);
    }

    #[test]
    fn chunks_do_not_matter(
        input in jumble(),
        sizes in prop::collection::vec(0_usize..40, 1..5),
    ) {
        // What is copied may be cut differently.
        let objects = |mut seen: Vec<Seen>| {
            seen.retain(|seen| matches!(seen, Seen::Object(..) | Seen::Item(..)));
            seen
        };
        let chunks = Chunks { rest: &input, sizes, turn: 0 };
        let chunked = objects(read(&mut JsonSplitter::new(chunks)));
        prop_assert_eq!(chunked, objects(read(&mut JsonSplitter::new(&input[..]))));
    }
}
