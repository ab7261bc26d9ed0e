//! In-tree sources to be kept: every case under `testdata/in-tree/<source>/`,
//! written by hand from the vendors' documents.
//!
//! `in.yaml` is translated with `values.yaml` and the content of `secrets.yaml`.
//! The result, with new objects behind it, is `out.yaml`, and the notes have the
//! codes in `notes.txt`, in any order; or it fails with a code, message and
//! remedy in which the lines of `error.txt` stand.

// Helpers of tests are tests too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::in_tree::stored::catalogue;
use flex2csi_translators::json::Object;
use flex2csi_translators::{Context, Values, translate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/in-tree");
    let folders = |path: &Path| {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.retain(|path| path.is_dir());
        folders.sort();
        folders
    };
    let mut cases: Vec<PathBuf> = folders(&root)
        .iter()
        .flat_map(|path| folders(path))
        .collect();
    cases.retain(|path| path.join("in.yaml").exists());
    cases
}

fn text(case: &Path, file: &str) -> Option<String> {
    fs::read_to_string(case.join(file)).ok()
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn parsed(object: &Object<'_>) -> Value {
    serde_json::from_str(&object.to_json()).unwrap()
}

/// `namespace/name: {key: value}`
fn secrets(case: &Path) -> Option<BTreeMap<(String, String), BTreeMap<String, String>>> {
    let text = text(case, "secrets.yaml")?;
    let listed: BTreeMap<String, BTreeMap<String, String>> = serde_saphyr::from_str(&text).unwrap();
    let keyed = listed.into_iter().map(|(place, data)| {
        let (namespace, name) = place.split_once('/').unwrap();
        ((namespace.to_owned(), name.to_owned()), data)
    });
    Some(keyed.collect())
}

fn context<'c>(values: &'c Values, mappings: &'c Mappings) -> Context<'c> {
    Context::new(values, mappings)
}

fn check(case: &Path) -> Result<(), String> {
    let values: Values = match text(case, "values.yaml") {
        Some(text) => serde_saphyr::from_str(&text).unwrap(),
        None => Values::default(),
    };
    let sources: Vec<_> = catalogue().collect();
    let declared = sources
        .iter()
        .map(|source| (source.name, &source.values[..]));
    values.check(declared).map_err(|error| error.to_string())?;
    let mappings = Mappings::default();
    let secrets = secrets(case);
    let context = Context {
        secrets: secrets.as_ref(),
        ..context(&values, &mappings)
    };
    let input = documents(&text(case, "in.yaml").unwrap())
        .remove(0)
        .to_string();
    let outcome = translate(Object::parse(&input).unwrap(), &context);
    if let Some(expected) = text(case, "error.txt") {
        let error = outcome.err().ok_or("it does not fail")?;
        let message = format!("{} {error} {}", error.code(), error.remedy());
        return match expected.lines().find(|line| !message.contains(line)) {
            Some(line) => Err(format!("no {line:?} in: {message}")),
            None => Ok(()),
        };
    }
    let outcome = outcome.map_err(|error| error.to_string())?;
    let mut result = vec![parsed(&outcome.object)];
    result.extend(outcome.extra.iter().map(parsed));
    let expected = documents(&text(case, "out.yaml").unwrap());
    if result != expected {
        let result: Vec<String> = result.iter().map(Value::to_string).collect();
        let expected: Vec<String> = expected.iter().map(Value::to_string).collect();
        return Err(format!(
            "\n{}\nis not\n{}",
            result.join("\n"),
            expected.join("\n")
        ));
    }
    let mut codes: Vec<&str> = outcome
        .notes
        .iter()
        .map(|note| note.code.as_str())
        .collect();
    let notes = text(case, "notes.txt").unwrap_or_default();
    let mut notes: Vec<&str> = notes.lines().collect();
    codes.sort_unstable();
    notes.sort_unstable();
    if codes != notes {
        return Err(format!("notes {codes:?} are not {notes:?}"));
    }
    Ok(())
}

#[test]
fn kept_objects_are_what_the_vendors_documents_say() {
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases", cases.len());
    let mut failed = Vec::new();
    for case in cases {
        if let Err(reason) = check(&case) {
            failed.push(format!("{}: {reason}", case.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_source_has_a_case() {
    let cases = cases();
    for source in catalogue() {
        let name = source.name;
        let has_case = cases
            .iter()
            .any(|case| case.parent().unwrap().ends_with(name));
        assert!(has_case, "{name} has no case");
    }
}

#[test]
fn every_value_that_is_asked_for_is_declared_and_explained() {
    for source in catalogue() {
        for value in &source.values {
            assert!(value.help.len() > 10, "{}.{}", source.name, value.name);
        }
    }
}

/// What may stand in a source, and what has no business there.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let keys = prop_oneof![Just("name".to_owned()), "[a-z]{0,3}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(keys, inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

const MEMBERS: [&str; 21] = [
    "volumeID",
    "pdName",
    "diskURI",
    "kind",
    "secretName",
    "shareName",
    "volumePath",
    "image",
    "monitors",
    "pool",
    "user",
    "secretRef",
    "path",
    "server",
    "volume",
    "tenant",
    "volumeName",
    "system",
    "fsType",
    "readOnly",
    "partition",
];

fn source() -> impl Strategy<Value = (String, Map<String, Value>)> {
    let names: Vec<&str> = catalogue().map(|source| source.name).collect();
    let members = proptest::sample::select(&MEMBERS[..]).prop_map(str::to_owned);
    let source = proptest::collection::btree_map(members, anything(), 0..8);
    (proptest::sample::select(names), source)
        .prop_map(|(name, source)| (name.to_owned(), source.into_iter().collect()))
}

proptest! {
    #[test]
    fn no_source_makes_it_panic_and_what_is_no_source_stays(
        (name, source) in source(),
        capacity in "[0-9]{1,3}(\\.[0-9])?[KMG]i",
    ) {
        let pv = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "pv", "labels": {"a": "b"}, "x": [1.50]},
            "spec": {"capacity": {"storage": capacity}, "other": {"y": 1e3}, name: source},
        });
        let values: Values = serde_saphyr::from_str(
            "{gcePersistentDisk: {project: p}, rbd: {form: static, clusterID: c}, \
             cephfs: {clusterID: c, fsName: f}, nfs: {translate: true}}",
        ).unwrap();
        let mappings = Mappings::default();
        let text = pv.to_string();
        if let Ok(outcome) = translate(Object::parse(&text).unwrap(), &context(&values, &mappings)) {
            let result = parsed(&outcome.object);
            prop_assert_eq!(&result["metadata"], &pv["metadata"]);
            for member in ["capacity", "other"] {
                prop_assert_eq!(&result["spec"][member], &pv["spec"][member]);
            }
            if outcome.changed {
                prop_assert!(result["spec"]["csi"]["volumeHandle"].is_string());
            }
        }
    }
}
