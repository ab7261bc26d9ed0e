mod kubectl;

use proptest::prelude::*;
use serde_json::Value;

use super::{from_json, text, to_json};
use crate::manifest::{Error, Place};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn documents_read_as_kubectl_reads_them() {
    for (yaml, expected) in kubectl::DOCUMENTS {
        match (to_json(yaml, 1), expected) {
            (Ok(read), Some(expected)) => {
                assert_eq!(json(&read), json(expected), "{yaml:?} gave {read}");
            }
            (Err(_), None) => {}
            (read, expected) => panic!("{yaml:?} gave {read:?}, kubectl has {expected:?}"),
        }
    }
}

#[test]
fn strings_are_quoted_for_kubectl_and_read_back() {
    for (string, value, key) in kubectl::STRINGS {
        let member = serde_json::to_string(string).unwrap();
        for (json_text, yaml) in [
            (format!("{{\"a\":{member}}}"), format!("a: {value}\n")),
            (format!("{{{member}:\"v\"}}"), format!("{key}\n")),
        ] {
            assert_eq!(from_json(&json_text).unwrap(), yaml, "{string:?}");
            assert_eq!(
                json(&to_json(&yaml, 1).unwrap()),
                json(&json_text),
                "{yaml}"
            );
        }
    }
}

#[test]
fn members_keep_their_order() {
    let json = r#"{"z":1,"a":{"x":[],"b":{}},"m":null}"#;
    let yaml = "z: 1\na:\n  x: []\n  b: {}\nm: null\n";
    assert_eq!(from_json(json).unwrap(), yaml);
    assert_eq!(to_json(yaml, 1).unwrap(), json);
}

#[test]
fn numbers_are_written_as_they_were() {
    let json = "[0,-0,1e3,1E+3,12345678901234567890123,1.50,1e400,18446744073709551615,-1.0e-7]";
    assert_eq!(
        from_json(json).unwrap(),
        "- 0\n- -0\n- 1e3\n- 1E+3\n- 12345678901234567890123\n- 1.50\n- 1e400\n- 18446744073709551615\n- -1.0e-7\n"
    );
}

#[test]
fn blocks_are_laid_out_as_kubectl_does() {
    let json = r#" { "spec" : { "containers" : [ { "name" : "c",
        "args" : [ "-x", ["a", ["b"], {}], [] ], "env": [{"name": "A", "value": "1"}] } ] },
        "data": {"script": "a\n  b\n\nc\n", "kept": "a\n\n", "stripped": "a\nb"} } "#;
    let yaml = r#"spec:
  containers:
  - name: c
    args:
    - -x
    - - a
      - - b
      - {}
    - []
    env:
    - name: A
      value: "1"
data:
  script: |
    a
      b

    c
  kept: |+
    a

  stripped: |-
    a
    b
"#;
    assert_eq!(from_json(json).unwrap(), yaml);
    assert_eq!(self::json(&to_json(yaml, 1).unwrap()), self::json(json));
}

#[test]
fn values_alone_are_documents_too() {
    for (json, yaml) in [
        ("null", "null\n"),
        ("\"a\\nb\"", "\"a\\nb\"\n"),
        ("[]", "[]\n"),
        (" { } ", "{}\n"),
        ("-1", "-1\n"),
        ("[[1]]", "- - 1\n"),
    ] {
        assert_eq!(from_json(json).unwrap(), yaml);
        assert_eq!(self::json(&to_json(yaml, 1).unwrap()), self::json(json));
    }
}

#[test]
fn a_long_key_is_written_where_every_reader_finds_its_colon() {
    let json = format!(
        r#"[{{"{}":{{"a":["b"]}},"{}":"c\nd"}}]"#,
        "k".repeat(2000),
        "l".repeat(200)
    );
    let yaml = from_json(&json).unwrap();
    assert!(yaml.starts_with("- ? kkk"), "{yaml}");
    assert_eq!(to_json(&yaml, 1).unwrap(), json);
}

#[test]
fn what_is_no_json_is_refused() {
    for json in [
        "",
        "{",
        "{}{}",
        "{a:1}",
        "[1,]",
        "01",
        "\"a\nb\"",
        "nul",
        "\"\\ud800\"",
    ] {
        assert!(matches!(from_json(json), Err(Error::Json(_))), "{json}");
    }
    let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(
        to_json(&from_json(&deep(128)).unwrap(), 1).unwrap(),
        deep(128)
    );
    for levels in [129, 100_000] {
        // An empty list at the bottom is no level of its own.
        let error = from_json(&deep(levels + 1)).unwrap_err();
        assert!(matches!(error, Error::TooDeep { .. }), "{error}");
    }
}

/// The message of an error, in a document on line 10 of its file.
fn error(yaml: &str) -> String {
    to_json(yaml, 10).expect_err(yaml).to_string()
}

#[test]
fn errors_say_where_in_the_file() {
    assert_eq!(
        error("a: 1\nb:\n  c: 1\n  d: 2\n  'c': 3\n"),
        "line 14, column 3: the key \"c\" is already there, on line 12; keep one of them"
    );
    assert_eq!(
        error("on: 1\ntrue: 2\n"),
        "line 11, column 1: the key \"true\" is already there, on line 10; keep one of them"
    );
    assert_eq!(
        error("? [a]\n: b\n"),
        "line 10, column 3: a list or a mapping as a key; a key has to be a string, a number or a boolean"
    );
    assert_eq!(
        error("a:\n- .inf\n"),
        "line 11, column 3: this value has no form in JSON; quote it if it is meant as text"
    );
    assert_eq!(
        error("a: !!int x"),
        "line 10, column 10: this value is tagged !!int, and is none"
    );
    assert_eq!(
        error("a: 1\n<<: b\n"),
        "line 11, column 1: << takes a mapping, or a list of mappings"
    );
    assert_eq!(
        error("a: &x {b: *x}"),
        "line 10, column 11: this alias is inside the node that it repeats"
    );
    for (yaml, place) in [
        ("a: b: c\n", "line 10, column 5: "),
        ("a: 1\n b: 2\n", "line 11, column 3: "),
        ("a: [1\n", "line 10, column 4: unclosed bracket"),
        ("a: *b\n", "line 10, column 4: "),
        ("a: \"b\n", "line 11, column 1: "),
        ("a:\n\t- b\n", "line 11, column 2: "),
        ("a: 1\n---\nb: 2\n", "line 11, column 1: a second document"),
    ] {
        assert!(error(yaml).starts_with(place), "{yaml:?}: {}", error(yaml));
    }
}

#[test]
fn text_that_is_not_utf_8_is_placed() {
    assert_eq!(text("a: é\n".as_bytes(), 3).unwrap(), "a: é\n");
    let Err(Error::Utf8 { at }) = text(b"a: 1\nb: \xc3\xa9\xff\n", 3) else {
        panic!()
    };
    assert_eq!(at, Place { line: 4, column: 5 });
}

#[test]
fn aliases_and_merge_keys_work() {
    let yaml = "base: &base\n  fsType: ext4\n  monitors: &m [a, b]\nvol:\n  <<: *base\n  image: i\nmore: *m\n";
    assert_eq!(
        to_json(yaml, 1).unwrap(),
        r#"{"base":{"fsType":"ext4","monitors":["a","b"]},"vol":{"fsType":"ext4","monitors":["a","b"],"image":"i"},"more":["a","b"]}"#
    );
    // A member keeps the place of the one that it replaces.
    assert_eq!(
        to_json("<<: {a: 1, b: 2}\na: 3\n", 1).unwrap(),
        r#"{"a":3,"b":2}"#
    );
    // Inside of what an anchor names, and of what is merged.
    assert_eq!(
        to_json(
            "x: &x\n  <<: &y {a: 1}\n  b: *y\nz:\n- *x\n- <<: [*x, {c: 1}]\n",
            1
        )
        .unwrap(),
        r#"{"x":{"a":1,"b":{"a":1}},"z":[{"a":1,"b":{"a":1}},{"c":1,"a":1,"b":{"a":1}}]}"#
    );
}

#[test]
fn aliases_cannot_be_used_to_fill_the_memory() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let last = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs += &format!("a{level}: &a{level} [{last}]\n");
    }
    let quadratic = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        "*a, ".repeat(10_000)
    );
    let nested = format!(
        "{}x{}",
        "&a [".repeat(120),
        ", *a]".repeat(0) + &"]".repeat(120)
    );
    assert!(matches!(
        to_json(&laughs, 1),
        Err(Error::AliasExpansion { .. })
    ));
    assert!(matches!(
        to_json(&quadratic, 1),
        Err(Error::AliasExpansion { .. })
    ));
    assert!(to_json(&nested, 1).is_ok());
}

#[test]
fn nesting_is_bounded() {
    for open in ["[", "{a: ", "- ", "? ", "- - ", "[{a: ", "!!x [", "&a "] {
        assert!(to_json(&open.repeat(100_000), 1).is_err(), "{open}");
    }
    let blocks: String = (0..1000).map(|level| " ".repeat(level) + "a:\n").collect();
    assert!(to_json(&blocks, 1).is_err());
    let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
    assert!(to_json(&deep(100), 1).is_ok());
}

#[test]
fn a_list_of_20000_volumes_is_an_ordinary_document() {
    let mut yaml = "apiVersion: v1\nitems:\n".to_owned();
    for volume in 0..20_000 {
        yaml += &format!(
            "- apiVersion: v1\n  kind: PersistentVolume\n  metadata:\n    name: pv-{volume}\n  spec:\n    accessModes:\n    - ReadWriteOnce\n    capacity:\n      storage: 1Gi\n    nfs:\n      path: /exports/{volume}\n      server: nfs.example.com\n"
        );
    }
    yaml += "kind: List\n";
    let json = to_json(&yaml, 1).unwrap();
    assert_eq!(from_json(&json).unwrap(), yaml);
}

/// Strings made of what YAML readers stumble over.
fn awkward() -> impl Strategy<Value = String> {
    let bit = prop::sample::select(vec![
        "a",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "#",
        " #",
        ":",
        ": ",
        "- ",
        "---",
        "...",
        "? ",
        "|",
        ">",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "%",
        "@",
        "`",
        "~",
        "null",
        "true",
        "on",
        "y",
        "0644",
        "1_000",
        "1e3",
        "0x1F",
        "1.5",
        ".5",
        "2001-01-01",
        "12:30",
        "<<",
        "=",
        "\r",
        "\r\n",
        "\0",
        "\u{7}",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "é",
        "😀",
        "\u{d7ff}",
        "\u{e000}",
        "inf",
        "+",
        "_",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ]);
    prop_oneof![
        3 => prop::collection::vec(bit, 0..6).prop_map(|bits| bits.concat()),
        1 => any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000..1000_i32).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        awkward().prop_map(Value::from),
        awkward().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((awkward(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// `1.0` is `1` to kubectl.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => json(&format!("{float:.0}")),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, whole(value)))
            .collect(),
        value => value,
    }
}

proptest! {
    #[test]
    fn json_survives_yaml(value in value(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let yaml = from_json(&text).unwrap();
        let back = to_json(&yaml, 1).map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        prop_assert_eq!(whole(json(&back)), whole(value), "{}", yaml);
    }

    #[test]
    fn any_text_is_read_or_refused(bits in prop::collection::vec(awkward(), 0..12)) {
        let text = bits.concat();
        if let Ok(read) = to_json(&text, 1) {
            json(&read);
        }
        let _ = from_json(&text);
    }

    #[test]
    fn collections_of_any_shape_are_read_or_refused(
        bits in prop::collection::vec(prop::sample::select(vec![
            "a: ", "b: ", "- ", "\n", "\n  ", "\n    ", "&x ", "*x", "<<: ", "{", "}", "[", "]", ", ",
            "? ", ": ", "1", "!!str ", "|\n", "'", "\"", "# c", "---", "*x : ",
        ]), 0..30),
    ) {
        if let Ok(read) = to_json(&bits.concat(), 1) {
            let value = json(&read);
            prop_assert_eq!(json(&to_json(&from_json(&read).unwrap(), 1).unwrap()), value);
        }
    }
}
