//! What becomes of objects that fail, in each form of the output.

use serde_json::Value;

use crate::command::translate;

const FAILS: &str = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"bad"},"spec":{"awsElasticBlockStore":{"volumeID":5}}}"#;
const GOOD: &str = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"good"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}}"#;

#[test]
fn one_that_can_be_parsed_is_written_in_the_new_format_as_it_was() {
    let yaml = format!("---\n{FAILS}\n---\n{GOOD}\n");
    let json = translate(&["-o", "json"], &yaml).said("1 failed").ended(1);
    let list: Value = serde_json::from_str(&json).unwrap();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], serde_json::from_str::<Value>(FAILS).unwrap());
    assert!(!json.contains("Status"), "{json}");

    let input = format!("{FAILS}\n{GOOD}\n");
    let documents = translate(&["-o", "yaml"], &input).said("1 failed").ended(1);
    assert!(documents.contains("volumeID: 5"), "{documents}");
    assert_eq!(documents.matches("kind: PersistentVolume").count(), 2);
    assert!(!documents.contains("Status"), "{documents}");
}

#[test]
fn on_a_line_a_status_stands_in_its_place() {
    let lines = translate(&["-o", "ndjson"], format!("{FAILS}\n{GOOD}\n")).ended(1);
    let status: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(status["kind"], "Status");
    assert_eq!(status["details"]["name"], "bad");
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn what_cannot_be_parsed_goes_through_or_is_said_to_be_left_out() {
    let bad = "{\"kind\": nonsense}";
    let input = format!("{bad}\n{GOOD}\n");
    let same = translate(&[], &input).ended(1);
    assert!(same.starts_with(bad), "{same}");
    for format in ["yaml", "ndjson"] {
        let ran = translate(&["-o", format], &input);
        assert!(!ran.stderr.contains("went through"), "{}", ran.stderr);
        let out = ran.ended(1);
        assert!(out.contains("Status") && !out.contains("nonsense"), "{out}");
    }
    translate(&["-o", "yaml"], &input).said("18 bytes left out");
    let stray = format!("{GOOD}\nstray text\n{GOOD}\n");
    translate(&[], &stray).said("it went through as it was");
    for format in ["yaml", "ndjson"] {
        translate(&["-o", format], &stray).said("11 bytes left out");
    }
    let yaml = format!("---\n{GOOD}\n---\na: [\n---\n{GOOD}\n");
    translate(&[], &yaml).said("it went through as it was");
    let json = translate(&["-o", "json"], &yaml)
        .said("5 bytes left out")
        .ended(1);
    let list: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list["items"][1]["kind"], "Status");
}

/// The format is that of the first file; what fails stays all the same.
#[test]
fn a_failed_object_of_a_second_file_in_another_format_stays() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.json"), "{\"kind\":\"A\"}\n").unwrap();
    let disk = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: d}\nspec:\n  azureDisk: {diskName: d, diskURI: u, kind: Dedicated}\n";
    std::fs::write(directory.path().join("b.yaml"), disk).unwrap();
    let out = translate(&["-f", directory.path().to_str().unwrap()], "").ended(1);
    assert!(out.contains("\"azureDisk\""), "{out}");
    assert!(!out.contains("\"Status\""), "{out}");
}
