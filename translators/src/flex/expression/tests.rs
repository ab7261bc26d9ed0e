use proptest::prelude::*;

use super::*;
use crate::flex::view::Map;
use crate::json::Object;

const VARIABLES: &[&str] = &[PV, OPTIONS, STORAGE_CLASS, VALUES, CAPTURES];

fn evaluate(source: &str, options: &str) -> Result<Answer<'static>, Failure> {
    let expression = Expression::compile(source, VARIABLES)
        .unwrap_or_else(|refused| panic!("{source}: {refused:?}"));
    let mut pv = Object::parse(options).unwrap();
    let pv = pv.object("spec").unwrap().unwrap();
    pv.object("options").unwrap();
    let opened = match pv.get("options") {
        Some(crate::json::Value::Object(options)) => options,
        _ => panic!("the test has no options"),
    };
    let scope = Scope {
        pv: Map::Object(pv),
        options: Map::Options(opened),
        ..Scope::default()
    };
    expression.evaluate(&scope).map(|answer| match answer {
        Answer::Text(text) => Answer::Text(Cow::Owned(text.into_owned())),
        Answer::Null => Answer::Null,
        Answer::Bool(truth) => Answer::Bool(truth),
        Answer::List(texts) => Answer::List(texts),
        Answer::Other(kind) => Answer::Other(kind),
    })
}

const PV_JSON: &str = r#"{"spec":{"mode":"a","list":["x","y\n"],"deep":{"n":1,"t":true,"z":null},
    "nested":[[[1]]],"options":{"volumeID":"v1","disk-mode":"SCSI","Size":"10","empty":""}}}"#;

fn gives(source: &str) -> Answer<'static> {
    evaluate(source, PV_JSON).unwrap_or_else(|failure| panic!("{source}: {failure:?}"))
}

fn text(text: &str) -> Answer<'static> {
    Answer::Text(Cow::Owned(text.to_owned()))
}

fn list(texts: &[&str]) -> Answer<'static> {
    Answer::List(texts.iter().map(|&text| text.to_owned()).collect())
}

fn refused(source: &str) -> Refused {
    match Expression::compile(source, VARIABLES) {
        Ok(_) => panic!("{source} was not refused"),
        Err(refused) => refused,
    }
}

#[test]
fn members_are_read_as_they_stand() {
    assert_eq!(gives("options.volumeID"), text("v1"));
    assert_eq!(gives("options[\"disk-mode\"]"), text("SCSI"));
    assert_eq!(gives("options.`disk-mode`"), text("SCSI"));
    assert_eq!(gives("pv.list"), list(&["x", "y\n"]));
    assert_eq!(gives("pv.list[1]"), text("y\n"));
    assert_eq!(gives("\"x\" in pv.list"), Answer::Bool(true));
    assert_eq!(gives("pv.deep.n == 1 && pv.deep.t"), Answer::Bool(true));
    assert_eq!(gives("string(pv.deep.n)"), text("1"));
    assert_eq!(gives("has(pv.deep.z)"), Answer::Bool(false));
    assert_eq!(gives("size(options)"), Answer::Other("a number"));
}

#[test]
fn option_keys_match_without_case_after_exactly() {
    assert_eq!(gives("options.VOLUMEID"), text("v1"));
    assert_eq!(
        gives("has(options.size) && \"SIZE\" in options"),
        Answer::Bool(true)
    );
    assert_eq!(gives("get(options, \"size\", \"1\")"), text("10"));
    assert_eq!(gives("has(options[\"Disk-Mode\"])"), Answer::Bool(true));
    let both = r#"{"spec":{"options":{"volumeid":"lower","volumeId":"exact"}}}"#;
    assert_eq!(evaluate("options.volumeId", both), Ok(text("exact")));
}

#[test]
fn functions_can_be_called_both_ways() {
    for (source, expected) in [
        ("upperAscii(options.volumeID)", text("V1")),
        ("options[\"disk-mode\"].lowerAscii()", text("scsi")),
        ("\"  a \".trim()", text("a")),
        (
            "trimPrefix(\"//a\", \"//\") + trimSuffix(\"b/\", \"/\")",
            text("ab"),
        ),
        ("join(split(\"a,b\", \",\"), \"-\")", text("a-b")),
        ("replace(\"a.b.c\", \".\", \"/\")", text("a/b/c")),
        (
            "options.volumeID.matches(\"^v\\\\d$\") ? \"yes\" : \"no\"",
            text("yes"),
        ),
        ("mountOptions(\"-o a -o b=1,c\")", list(&["a", "b=1", "c"])),
        ("hex(\"az\")", text("617a")),
        ("sha256hex(\"\").size() == 64 ? \"64\" : \"?\"", text("64")),
        ("get(options, \"missing\")", Answer::Null),
        ("options.get(\"missing\", \"d\")", text("d")),
        (
            "mountOptionsFrom(options, [[\"size\", \"size=\"], [\"disk-mode\", \"scsi\", \"SCSI\"], [\"no\", \"no=\"], [\"empty\", \"e=\"]])",
            list(&["size=10", "scsi"]),
        ),
        (
            "{\"SCSI\": \"s\", \"VBD\": \"v\"}[options[\"disk-mode\"]]",
            text("s"),
        ),
        (
            "startsWith(\"ab\", \"a\") && \"ab\".endsWith(\"b\") && \"ab\".contains(\"\") ? \"a\" : \"b\"",
            text("a"),
        ),
    ] {
        assert_eq!(gives(source), expected, "{source}");
    }
}

#[test]
fn the_documentation_lists_every_function() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mappings.md");
    let text = std::fs::read_to_string(path).unwrap();
    for name in functions::Function::names() {
        assert!(text.contains(&format!("`{name}(")), "{name}");
    }
}

#[test]
fn what_looks_at_nothing_is_worked_out_once() {
    for source in [
        "\"everest\"",
        "[\"a\", \"b\" + \"c\"]",
        "size(\"ab\") == 2 ? null : \"x\"",
        "mountOptions(\"a,b\")",
    ] {
        let expression = Expression::compile(source, &[]).unwrap();
        assert!(matches!(expression.tree, Node::Constant(_)), "{source}");
    }
}

#[test]
fn a_member_that_is_not_there_is_named() {
    let missing = |source: &str| match evaluate(source, PV_JSON) {
        Err(Failure::Missing(path)) => path.join("."),
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(missing("options.diskId"), "options.diskId");
    assert_eq!(missing("\"a\" + options[\"x-y\"]"), "options.x-y");
    assert_eq!(missing("pv.spec.csi.driver"), "pv.spec");
    assert_eq!(missing("pv.deep.z"), "pv.deep.z");
    assert_eq!(missing("storageClass.name"), "storageClass.name");
}

#[test]
fn failures_never_hold_a_value() {
    for source in [
        "options.volumeID + 1",
        "pv.list[7]",
        "options.volumeID ? \"a\" : \"b\"",
        "{\"a\": \"b\"}[options.volumeID]",
        "options[options.volumeID]",
        "options.volumeID.x",
        "-options.volumeID",
        "options.volumeID < 1",
        "trim(pv.list)",
        "pv.nested",
        "pv.list in options",
        "[options]",
        "9223372036854775807 + pv.deep.n",
    ] {
        match evaluate(source, PV_JSON) {
            Err(Failure::Reason(reason)) => {
                assert!(
                    !reason.contains("v1") && !reason.contains("y\n"),
                    "{source}: {reason}"
                );
            }
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn unknown_names_are_refused_with_their_place() {
    let wrong = refused("options.a + volume.b");
    assert!(
        wrong.message.starts_with("unknown variable `volume`"),
        "{wrong:?}"
    );
    assert_eq!(wrong.offset, 12);
    let wrong = refused("\"a\" + shout(options.a)");
    assert!(
        wrong.message.starts_with("unknown function `shout`"),
        "{wrong:?}"
    );
    for source in [
        "trim()",
        "trim(\"a\", \"b\")",
        "\"a\".trim(\"b\")",
        "size()",
    ] {
        assert!(refused(source).message.contains("arguments"), "{source}");
    }
    assert!(
        refused("options.")
            .message
            .starts_with("not a CEL expression")
    );
}

#[test]
fn there_is_no_macro_but_has() {
    for source in [
        "[1].map(x, x)",
        "[1].all(x, true)",
        "[1].exists(x, true)",
        "[1].filter(x, true)",
        "[1].exists_one(x, true)",
        "has(options)",
        "has(\"a\")",
        "has(options.a, options.b)",
        "options.?a",
        "pv.Type{a: 1}",
        "timestamp(\"2020-01-01T00:00:00Z\")",
        "type(options)",
        "int(\"1\")",
        "pv % 2",
        "{options.a: 1}",
        "{1: 1}",
        "{\"a\": 1, \"a\": 2}",
        "1.5",
        "b\"a\"",
    ] {
        refused(source);
    }
}

#[test]
fn patterns_are_compiled_once_and_have_to_be_literal() {
    assert!(
        refused("\"a\".matches(options.a)")
            .message
            .contains("literal")
    );
    assert!(refused("\"a\".matches(\"(\")").message.contains("pattern"));
    refused("\"a\".matches(\"(a{1000}){1000}\")");
}

/// `get(m, "k", "") != "" ? m.k : c` is a node of its own; `true &&` keeps the
/// same conditional from becoming one.
#[test]
fn a_member_unless_it_is_empty_is_what_the_conditional_says() {
    let members = [
        "",
        r#""k":"""#,
        r#""k":"x""#,
        r#""k":null"#,
        r#""k":7"#,
        r#""k":["x"]"#,
    ];
    let maps = members.map(|member| format!(r#""s":{{{member}}}"#));
    let maps = maps
        .into_iter()
        .chain([r#""s":"x""#.to_owned(), r#""t":{}"#.to_owned()]);
    let objects = maps.map(|map| format!(r#"{{"spec":{{"options":{{}},{map}}}}}"#));
    for json in objects {
        for (otherwise, key) in [
            ("\"y\"", "k"),
            ("pv.s.k", "k"),
            ("null", "k"),
            ("\"y\"", "K"),
        ] {
            let condition = format!("get(pv.s, \"{key}\", \"\") != \"\"");
            let one = evaluate(&format!("{condition} ? pv.s.{key} : {otherwise}"), &json);
            let plain = format!("true && {condition} ? pv.s.{key} : {otherwise}");
            assert_eq!(one, evaluate(&plain, &json), "{json} {otherwise}");
        }
    }
}

/// Sources at the fence's edge and beyond it, for each way to nest.
fn nested(count: usize) -> Vec<String> {
    vec![
        format!("{}options.a{}", "(".repeat(count), ")".repeat(count)),
        format!("{}options.a{}", "[".repeat(count), "]".repeat(count)),
        format!("{}1{}", "{\"a\":".repeat(count), "}".repeat(count)),
        format!("{}options.a{}", "trim(".repeat(count), ")".repeat(count)),
        format!("{}true{}", "(".repeat(count), "?true:true)".repeat(count)),
        format!("{}pv{}", "pv[".repeat(count), "]".repeat(count)),
        format!("options.a{}", "+options.a".repeat(count)),
        format!("true{}", "==true".repeat(count)),
        format!("true{}", " in [true]".repeat(count)),
        format!("true{}", "&&true".repeat(count)),
        format!("true{}", "||(true)".repeat(count)),
        format!("{}\"b\"", "true?\"a\":".repeat(count)),
        format!("{}true", "!".repeat(count)),
        format!("{}1", "-".repeat(count)),
        format!("options{}", ".a".repeat(count)),
        format!("options{}", "[\"a\"]".repeat(count)),
        format!("options.a{}", ".trim()".repeat(count)),
        "(".repeat(count),
        "((((((".to_owned() + &"a?a:".repeat(count),
        "\"".repeat(count),
        "?".repeat(count),
    ]
}

#[test]
fn nesting_without_end_is_refused_and_does_not_end_the_program() {
    for count in (1..60).chain([100, 200, 500, 1000, 2000, 100_000]) {
        for source in nested(count) {
            let compiled = Expression::compile(&source, VARIABLES);
            if count >= 500 {
                assert!(compiled.is_err(), "{count}: {}", &source[..40]);
            }
            if let Ok(expression) = compiled {
                // Whatever it gives, it comes back.
                let _ = expression.evaluate(&Scope::default());
            }
        }
    }
}

#[test]
fn texts_in_quotes_do_not_nest() {
    let brackets = "(".repeat(100);
    for source in [
        format!("\"{brackets}\""),
        format!("'{brackets}\\''"),
        format!("r\"{brackets}\\\""),
        format!("\"\"\"{brackets}\"\"\""),
        format!("\"a\" // {brackets}"),
    ] {
        Expression::compile(&source, &[]).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    }
}

#[test]
fn a_text_cannot_be_made_to_grow_without_end() {
    let mut source = "options.volumeID".to_owned();
    for _ in 0..5 {
        source = format!("replace({source}, \"\\u0031\", \"{}\")", "1".repeat(300));
    }
    assert_eq!(
        evaluate(&source, PV_JSON),
        Err(Failure::Reason(
            "the result of replace() is too large".into()
        ))
    );
    let long = format!(
        r#"{{"spec":{{"options":{{"volumeID":"{}"}}}}}}"#,
        "x".repeat(1 << 20)
    );
    assert!(evaluate("options.volumeID", &long).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Sources of CEL's own words in any order.
    #[test]
    fn no_source_panics(words in proptest::collection::vec(prop::sample::select(&[
        "options", "pv", ".a", ".trim()", "[", "]", "(", ")", "{", "}", "\"a\"", "'", "\"\"\"", "r'", "1",
        "1.5", "0x", "null", "true", "?", ":", "+", "-", "==", "&&", "||", "!", "in", ",", "has(", "get(",
        "matches(", "`", "//", "\n", "\\", "é", "@0", " ", "b\"", "size",
    ][..]), 0..60)) {
        let source = words.concat();
        if let Ok(expression) = Expression::compile(&source, VARIABLES) {
            let _ = expression.evaluate(&Scope::default());
        }
    }

    #[test]
    fn no_text_panics(source in "\\PC{0,200}") {
        let _ = Expression::compile(&source, VARIABLES);
    }
}

/// What `cel`'s own interpreter makes of a source that needs nothing of ours
/// but `has`.
fn reference(source: &str) -> Option<cel::Value> {
    let env = std::sync::Arc::new(cel::Env::stdlib());
    let program = env.compile(source).ok()?;
    let mut context = cel::Context::with_env(env);
    let options: std::collections::HashMap<String, String> = [("a", "x"), ("b", "y"), ("n", "")]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    context.add_variable_from_value("options", options);
    program.execute(&context).ok()
}

fn ours(source: &str) -> Option<cel::Value> {
    let options = Object::parse(r#"{"a":"x","b":"y","n":""}"#).unwrap();
    let scope = Scope {
        options: Map::Options(&options),
        ..Scope::default()
    };
    let expression = Expression::compile(source, &[OPTIONS]).ok()?;
    value(&interpret::evaluate(&expression.tree, &scope).ok()?)
}

fn value(view: &View<'_>) -> Option<cel::Value> {
    Some(match view {
        View::Null => cel::Value::Null,
        View::Bool(truth) => (*truth).into(),
        View::Integer(number) => (*number).into(),
        View::Text(text) => (&**text).into(),
        View::List(_) | View::Items(_) => {
            let items: Option<Vec<cel::Value>> = view.items().iter().map(value).collect();
            items?.into()
        }
        View::Map(_) => return None,
    })
}

/// Expressions of each type, sometimes of the wrong one.
fn sources() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "options.a",
            "options.b",
            "options.n",
            "options.missing",
            "options[\"a\"]",
            "\"x\"",
            "\"\"",
            "1",
            "-2",
            "9223372036854775807",
            "0",
            "true",
            "false",
            "null",
            "has(options.a)",
            "has(options.missing)",
            "[\"x\"]",
            "[]",
            "[1, \"y\"]",
            "\"a\" in options",
        ][..],
    );
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            let pair = (inner.clone(), inner.clone());
            let operators = prop::sample::select(
                &[
                    "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
                ][..],
            );
            prop_oneof![
                (pair.clone(), operators).prop_map(|((a, b), op)| format!("({a} {op} {b})")),
                (inner.clone(), pair.clone()).prop_map(|(a, (b, c))| format!("({a} ? {b} : {c})")),
                inner.clone().prop_map(|a| format!("!{a}")),
                inner.clone().prop_map(|a| format!("(-{a})")),
                pair.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
                pair.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
                inner.clone().prop_map(|a| format!("size({a})")),
                pair.clone()
                    .prop_map(|(a, b)| format!("{a}.startsWith({b})")),
                pair.prop_map(|(a, b)| format!("{a}.contains({b})")),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn results_are_those_of_the_crate(source in sources()) {
        // What is refused when it is loaded gives nothing at all.
        if Expression::compile(&source, &[OPTIONS]).is_ok() {
            let (ours, reference) = (ours(&source), reference(&source));
            // A map is a value that no field takes.
            if !matches!(reference, Some(cel::Value::Map(_))) {
                prop_assert_eq!(ours, reference, "{}", source);
            }
        }
    }
}
