//! What was translated is left alone, and the endpoint's form leads to the
//! backend's.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::flex2csi;

fn below(root: &str, stem: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::from(root)];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_stem().is_some_and(|name| name == stem) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {stem} below {root}");
    found
}

fn run(file: &Path, values: &Path, flags: &[&str]) -> String {
    let mut args = vec!["translate", "-q", "-f", file.to_str().unwrap()];
    if values.exists() {
        args.extend(["--values", values.to_str().unwrap()]);
    }
    args.extend(flags);
    flex2csi(&args, "").stdout
}

/// An object that was translated is CSI, and what failed fails again.
#[test]
fn translating_twice_changes_nothing() {
    for root in ["testdata/flex", "testdata/manifests"] {
        for out in below(root, "out") {
            let via_endpoint = out.with_file_name("args").exists();
            let text = std::fs::read_to_string(&out).unwrap();
            // The endpoint's form is meant to be translated once more.
            let flags: &[&str] = if via_endpoint {
                &["--via-endpoint"]
            } else {
                &[]
            };
            let again = run(&out, &out.with_file_name("values.yaml"), flags);
            assert!(
                again == text,
                "{} changes when it is translated again",
                out.display()
            );
        }
    }
}

#[test]
fn by_way_of_the_endpoint_is_the_same_as_directly() {
    for root in ["testdata/flex", "testdata/manifests"] {
        for input in below(root, "in") {
            let values = input.with_file_name("values.yaml");
            let directly = objects(&run(&input, &values, &["-o", "ndjson"]));
            let file = tempfile::Builder::new()
                .suffix(".ndjson")
                .tempfile()
                .unwrap();
            let endpoint = run(&input, &values, &["--via-endpoint", "-o", "ndjson"]);
            std::fs::write(file.path(), &endpoint).unwrap();
            let indirectly = objects(&run(file.path(), &values, &["-o", "ndjson"]));
            // What lacks a value fails directly, and waits for it in the endpoint's form.
            for direct in &directly {
                let named = |other: &&Value| identity(other) == identity(direct);
                let indirect = indirectly.iter().find(named).unwrap_or(&Value::Null);
                assert_eq!(direct, indirect, "{}", input.display());
            }
        }
    }
}

fn identity(object: &Value) -> (&Value, &Value, &Value) {
    let metadata = &object["metadata"];
    (&object["kind"], &metadata["namespace"], &metadata["name"])
}

fn is_new_secret(object: &Value) -> bool {
    object["kind"] == "Secret" && object["metadata"]["uid"].is_null()
}

/// The objects of all lines, without failures, which name their file and line.
fn objects(lines: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for line in lines.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        match object["items"].as_array() {
            Some(items) if object["kind"] == "List" => all.extend(items.iter().cloned()),
            _ => all.push(object),
        }
    }
    // A failure names its file; a new Secret is asked for at each step.
    all.retain(|object| object["kind"] != "Status" && !is_new_secret(object));
    all
}
