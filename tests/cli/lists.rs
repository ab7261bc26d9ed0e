//! Lists: each item is an object, wherever the list says what it is.

use crate::command::translate;

const VOLUME: &str = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"NAME"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-NAME"}}}"#;

fn volume(name: &str) -> serde_json::Value {
    serde_json::from_str(&VOLUME.replace("NAME", name)).unwrap()
}

/// As `kubectl get -o json` prints it.
fn kubectl(names: &[&str]) -> String {
    let items: Vec<_> = names.iter().map(|name| volume(name)).collect();
    let list = serde_json::json!({"apiVersion": "v1", "items": items, "kind": "List"});
    let text = serde_json::to_string_pretty(&list).unwrap();
    // Four spaces a level.
    text.lines()
        .map(|line| {
            let rest = line.trim_start();
            " ".repeat(2 * (line.len() - rest.len())) + rest + "\n"
        })
        .collect()
}

#[test]
fn a_broken_item_of_an_indented_list_costs_only_itself() {
    let list = kubectl(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        for (whole, broken) in [
            // A bracket too few, one too many, and a string that does not end.
            (
                format!("\"volumeID\": \"vol-{name}\"\n                }}"),
                format!("\"volumeID\": \"vol-{name}\"\n"),
            ),
            (format!("\"vol-{name}\""), format!("\"vol-{name}\"]")),
            (format!("\"vol-{name}\""), format!("\"vol-{name}")),
        ] {
            let input = list.replace(&whole, &broken);
            assert_ne!(input, list);
            let ran = translate(&[], &input).said("1 failed");
            let out = ran.ended(1);
            for other in ["a", "b", "c"] {
                let handle = format!("\"volumeHandle\": \"vol-{other}\"");
                assert_eq!(out.contains(&handle), other != name, "{broken}:\n{out}");
            }
            let gone: String = input.split_whitespace().collect();
            let tail = &gone[gone.len() - 15..];
            assert!(
                out.split_whitespace().collect::<String>().ends_with(tail),
                "{out}"
            );
            let lines = translate(&["-o", "ndjson"], &input)
                .said("bytes left out")
                .ended(1);
            assert_eq!(lines.lines().count(), 3, "{lines}");
        }
    }
}

/// As `jq -S` writes what the API server answers: the kind behind the items,
/// which have none.
#[test]
fn the_kind_of_a_typed_list_may_stand_behind_its_items() {
    let item = r#"{"metadata":{"name":"a"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-a"}}}"#;
    let line = format!(
        "{{\"apiVersion\":\"v1\",\"items\":[{item},{item}],\"kind\":\"PersistentVolumeList\"}}\n"
    );
    let list: serde_json::Value = serde_json::from_str(&line).unwrap();
    let pretty = serde_json::to_string_pretty(&list).unwrap();
    let yaml = "apiVersion: v1\nitems:\n- metadata: {name: a}\n  spec: {awsElasticBlockStore: {volumeID: vol-a}}\n- metadata: {name: a}\n  spec: {awsElasticBlockStore: {volumeID: vol-a}}\nkind: PersistentVolumeList\n";
    let nested = format!("{{\"apiVersion\":\"v1\",\"items\":[{line}],\"kind\":\"List\"}}");
    let late = format!(
        "{{\n\"kind\":\"PersistentVolumeList\",\"items\":[{item},{item}],\"apiVersion\":\"v1\"}}"
    );
    for input in [&line, &pretty, yaml, &nested, &late] {
        let out = translate(&[], input).said("2 translated").ended(0);
        assert_eq!(out.matches("ebs.csi.aws.com").count(), 2, "{out}");
        assert!(!out.contains("awsElasticBlockStore"), "{out}");
        let lines = translate(&["-o", "ndjson"], input).ended(0);
        assert_eq!(
            lines
                .matches("{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",")
                .count(),
            2,
            "{lines}"
        );
    }
}

#[test]
fn a_list_that_nobody_can_take_apart_is_a_failure() {
    let input = "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeList\",\"it\\u0065ms\":[{}]}\n";
    let out = translate(&[], input)
        .said("could not be told apart")
        .ended(1);
    assert_eq!(out, input);
    let out = translate(&["-o", "json"], format!("---\n{input}"));
    assert_eq!(out.code, 0, "YAML has no such names: {}", out.stderr);
}

#[test]
fn a_list_without_items_is_left_alone() {
    for items in ["null", "[]", "{}"] {
        let input = format!(
            "{{\"apiVersion\":\"v1\",\"items\":{items},\"kind\":\"PersistentVolumeList\"}}\n"
        );
        assert_eq!(translate(&[], &input).ended(0), input);
        let yaml = format!("apiVersion: v1\nitems: {items} # none\nkind: PersistentVolumeList\n");
        assert_eq!(translate(&[], &yaml).ended(0), yaml);
    }
}

/// JSON in which half of a surrogate pair stands cannot be written as YAML.
#[test]
fn a_yaml_list_that_cannot_be_written_again_is_a_failure_and_stays() {
    let input = format!(
        "--- {{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{},{{\"a\":\"\\ud800\"}}]}}\n",
        volume("a")
    );
    let ran = translate(&[], &input);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("0 translated"), "{}", ran.stderr);
    assert_eq!(ran.stdout, input);
}
