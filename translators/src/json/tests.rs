use super::*;

const PRETTY: &str = r#"{
    "kind": "PersistentVolume",
    "spec": {
        "size": 1e3,
        "old": {
            "a": 1
        }
    },
    "z": [1,  2]
}"#;

#[test]
fn what_is_not_opened_is_copied_as_written() {
    let text = "{\"a\":1e3, \"b\":[1 ,2],\"\\u0063\":\"\\u0041\"}";
    let mut object = Object::parse(text).unwrap();
    object.set("b", true);
    assert_eq!(
        object.to_json(),
        "{\"a\":1e3, \"b\":true,\"\\u0063\":\"\\u0041\"}"
    );
    assert_eq!(object.str("c").unwrap().unwrap(), "A");
}

#[test]
fn an_opened_object_without_a_change_comes_out_as_it_was() {
    let mut object = Object::parse(PRETTY).unwrap();
    object
        .object("spec")
        .unwrap()
        .unwrap()
        .object("old")
        .unwrap();
    assert_eq!(object.to_json(), PRETTY);
}

#[test]
fn what_is_new_is_laid_out_like_its_neighbours() {
    let mut object = Object::parse(PRETTY).unwrap();
    let spec = object.object("spec").unwrap().unwrap();
    let new: Object<'_> = [("driver", "d")].into_iter().collect();
    spec.replace("old", "csi", new);
    spec.set("modes", vec![Value::from("RWO")]);
    let expected = PRETTY.replace("\"old\": {\n            \"a\": 1\n        }", "\"csi\": {\n            \"driver\": \"d\"\n        },\n        \"modes\": [\n            \"RWO\"\n        ]");
    assert_eq!(object.to_json(), expected);
}

#[test]
fn one_line_with_spaces_keeps_its_spaces() {
    let mut object = Object::parse(r#"{"a": 1, "b": {"c": 2}}"#).unwrap();
    object.object("b").unwrap().unwrap().set("d", 3);
    assert_eq!(object.to_json(), r#"{"a": 1, "b": {"c": 2, "d": 3}}"#);
}

#[test]
fn null_reads_as_not_set() {
    let mut object = Object::parse(r#"{"a":null}"#).unwrap();
    assert_eq!(object.str("a").unwrap(), None);
    assert_eq!(object.bool("a").unwrap(), None);
    assert_eq!(object.i32("a").unwrap(), None);
    assert!(object.object("a").unwrap().is_none());
    assert!(object.object_or_new("a").unwrap().is_empty());
}

#[test]
fn a_wrong_type_is_named_with_its_place_and_without_its_value() {
    let mut object = Object::parse(r#"{"spec":{"x.y/z":"secret"}}"#).unwrap();
    let spec = object.object("spec").unwrap().unwrap();
    let error = spec.bool("x.y/z").unwrap_err().under("spec");
    assert_eq!(
        error.to_string(),
        "expected a boolean, found a string at .spec[\"x.y/z\"]"
    );
}

#[test]
fn integers_are_as_in_go() {
    let object =
        Object::parse(r#"{"a":1.0,"b":"1","c":2147483648,"d":-2147483648,"e":1e0,"f":0}"#).unwrap();
    for wrong in ["a", "b", "c", "e"] {
        assert!(object.i32(wrong).is_err(), "{wrong}");
    }
    assert_eq!(object.i32("d").unwrap(), Some(i32::MIN));
    assert_eq!(object.i32("f").unwrap(), Some(0));
}

#[test]
fn duplicate_keys_are_refused_in_short_and_in_long_objects() {
    let error = Object::parse(r#"{"a":1,"\u0061":2}"#).unwrap_err();
    assert_eq!(error.to_string(), "duplicate key \"a\"");
    let many: Vec<String> = (0..100).map(|n| format!("\"k{}\":1", n % 99)).collect();
    assert!(Object::parse(&format!("{{{}}}", many.join(","))).is_err());
}

#[test]
fn syntax_errors_carry_line_and_column() {
    let error = Object::parse("{\"a\":1,\n  oops}").unwrap_err();
    assert!(
        matches!(error.problem, Problem::Syntax { line: 2, .. }),
        "{error}"
    );
    assert!(Object::parse("[1]").is_err());
    assert!(Object::parse("{\"a\":1} {}").is_err());
    assert!(Object::parse("").is_err());
}

#[test]
fn what_outlives_its_input_is_opened_to_its_leaves() {
    let object = Object::parse("{ \"a\" : [1e3, {\"\\u0062\":null}], \"s\":\"\\n\" }").unwrap();
    let owned = object.into_owned().unwrap();
    assert_eq!(owned.to_json(), r#"{"a":[1e3,{"b":null}],"s":"\n"}"#);
    let text = r#"{"yes":true,"no":false,"n":null,"i":-7}"#;
    let mut owned = Object::parse(text).unwrap().into_owned().unwrap();
    assert_eq!(owned.bool("yes").unwrap(), Some(true));
    assert_eq!(owned.bool("no").unwrap(), Some(false));
    assert_eq!(owned.i32("i").unwrap(), Some(-7));
    assert_eq!(owned.str("n").unwrap(), None);
    assert!(owned.object("n").unwrap().is_none());
    assert!(owned.bool("i").is_err());
}

#[test]
fn a_value_nested_without_end_is_refused_and_does_not_end_the_program() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let object = Object::parse(&deep).unwrap();
    assert_eq!(object.clone().to_json(), deep);
    let error = object.into_owned().unwrap_err();
    assert_eq!(error.problem, Problem::TooDeep);
}

#[test]
fn a_new_object_beside_another_is_laid_out_like_it() {
    let sibling = Object::parse("{\n    \"a\": {}\n  }").unwrap();
    let inner: Object<'_> = [("c", 1)].into_iter().collect();
    let new: Object<'_> = [("b", inner)].into_iter().collect();
    let mut out = Vec::new();
    new.write_like(&sibling, &mut out);
    let expected = "{\n    \"b\": {\n      \"c\": 1\n    }\n  }";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_value_of_another_type_is_never_printed() {
    for (text, found) in [
        ("\"hunter2\"", "a string"),
        ("424242", "a number"),
        ("-424242", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
        ("[424242]", "an array"),
    ] {
        let error = Object::parse(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("expected an object, found {found}")
        );
    }
    for text in ["", "hunter2", "{\"a\": hunter2}", "{1: 2}"] {
        let error = Object::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("not valid JSON"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn text_behind_the_object_is_told_from_text_that_is_no_json() {
    let trailing = |text| Object::parse(text).unwrap_err().problem.is_trailing();
    assert!(trailing("{\"a\":1}{\"b\":2}"));
    assert!(trailing("{} x"));
    assert!(!trailing("{\"a\":1 \"b\":2}"));
    assert!(!trailing("{\"a\":[1}"));
    assert!(!trailing("x {}"));
}

/// White space as no printer sets it.
const ODD: &str =
    "{ \"a\" :{\n\"b\":[ {\"c\" : 1} ,{}\t],\"\\u0064\":  {}} , \"e\":[ ],\"f\":{ } }";

#[test]
fn what_is_opened_and_not_changed_keeps_its_white_space_to_the_byte() {
    static DEEP: Shape = Shape::of(&[]).and_others(&DEEP);
    let opened = Object::open(ODD, &DEEP).unwrap();
    assert_eq!(opened.to_json(), ODD);
    let mut step_by_step = Object::parse(ODD).unwrap();
    let a = step_by_step.object("a").unwrap().unwrap();
    for item in a.array("b").unwrap().unwrap() {
        item.open_object().unwrap();
    }
    a.object("d").unwrap();
    step_by_step.array("e").unwrap();
    step_by_step.object("f").unwrap();
    assert_eq!(step_by_step.to_json(), ODD);
}

#[test]
fn a_change_leaves_the_white_space_around_it() {
    let mut object = Object::parse(ODD).unwrap();
    let a = object.object("a").unwrap().unwrap();
    let items = a.array("b").unwrap().unwrap();
    items[0].open_object().unwrap().unwrap().set("c", 2);
    object.replace("e", "g", true);
    let expected = ODD.replace("\"c\" : 1", "\"c\" : 2");
    let expected = expected.replace("\"e\":[ ]", "\"g\":true");
    assert_eq!(object.to_json(), expected);
}

#[test]
fn what_is_taken_out_takes_its_comma_with_it() {
    for (key, expected) in [
        ("a", "{ \"b\" : 2 ,\"c\":3}"),
        ("b", "{ \"a\" : 1, \"c\":3}"),
        ("c", "{ \"a\" : 1, \"b\" : 2}"),
    ] {
        let mut object = Object::parse("{ \"a\" : 1,\"b\" : 2 ,\"c\":3}").unwrap();
        object.remove(key);
        let written = object.to_json();
        let compact = |text: &str| text.replace(' ', "");
        assert_eq!(compact(&written), compact(expected));
    }
    let mut object = Object::parse("{ \"a\" : 1 }").unwrap();
    object.remove("a");
    assert_eq!(object.to_json(), "{}");
}

#[test]
fn what_is_moved_about_is_not_taken_for_what_stood_there() {
    let text = r#"{"a":[1,2,[3]],"b":{"c":1},"d":{"c":2}}"#;
    let mut object = Object::parse(text).unwrap();
    object.array("a").unwrap().unwrap().reverse();
    let b = std::mem::take(object.object("b").unwrap().unwrap());
    let d = std::mem::replace(object.object("d").unwrap().unwrap(), b);
    *object.object("b").unwrap().unwrap() = d;
    assert_eq!(
        object.to_json(),
        r#"{"a":[[3],2,1],"b":{"c":2},"d":{"c":1}}"#
    );
    let mut object = Object::parse(text).unwrap();
    let items = object.array("a").unwrap().unwrap();
    items.remove(1);
    items.push(Value::Raw("[3]"));
    let inner = object.get("b").cloned().unwrap();
    object.set("d", inner);
    assert_eq!(
        object.to_json(),
        r#"{"a":[1,[3],[3]],"b":{"c":1},"d":{"c":1}}"#
    );
}

#[test]
fn a_key_twice_below_is_left_to_whoever_opens_it() {
    static NESTED: Shape = Shape::of(&[("a", Some(&Shape::FLAT))]);
    let text = r#"{"a":{"b":1,"\u0062":2},"c":3}"#;
    let mut object = Object::open(text, &NESTED).unwrap();
    assert_eq!(object.to_json(), text);
    let error = object.object("a").unwrap_err();
    assert_eq!(error.to_string(), "duplicate key \"b\" at .a");
}
