//! Forms of input and output: nothing is lost, and untouched is untouched.

use crate::command::translate;

const EBS: &str = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"},"capacity":{"storage":"1.50Gi"}}}"#;

const HELM: &str = "# a chart
---
# Source: chart/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a}   # kept
data:
  octal: 0644
  text: |
    ---- not a separator
...
---
---
apiVersion: example.com/v1
kind: Unknown
spec: {on: yes, big: 12345678901234567890123}
";

#[test]
fn what_is_not_touched_comes_out_as_it_came() {
    let crlf = HELM.replace('\n', "\r\n");
    let pretty = "{\n  \"kind\": \"ConfigMap\",\n  \"data\": {\"a\": 1e3 }\n}\n\n{\"b\":2}";
    let list = "{\"apiVersion\":\"v1\",\"items\":[\n {\"kind\":\"Pod\"} , {\"kind\":\"Secret\"}],\"kind\":\"List\"}";
    for input in [
        HELM,
        &crlf,
        "",
        "\n# only a comment\n",
        pretty,
        list,
        "{}\n\n{}\n",
    ] {
        assert_eq!(translate(&[], input).ended(0), input);
    }
}

#[test]
fn a_changed_item_of_a_list_leaves_the_others_and_the_list_as_they_were() {
    let input = format!(
        "{{\"items\":[ {EBS} ,\n{{\"kind\":\"Pod\"}}],\"kind\":\"List\",\"metadata\":{{\"resourceVersion\":\"\"}}}}\n"
    );
    let out = translate(&[], &input).ended(0);
    assert!(
        out.ends_with(
            " ,\n{\"kind\":\"Pod\"}],\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"\"}}\n"
        ),
        "{out}"
    );
    assert!(out.contains("\"volumeHandle\":\"vol-1\""), "{out}");
    assert!(
        out.contains("\"capacity\":{\"storage\":\"1.50Gi\"}"),
        "{out}"
    );
}

#[test]
fn items_of_a_typed_list_have_the_kind_that_the_list_gives_them() {
    let item = EBS.replace("\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",", "");
    let list =
        format!("{{\"kind\":\"PersistentVolumeList\",\"apiVersion\":\"v1\",\"items\":[{item}]}}");
    let out = translate(&[], &list).ended(0);
    assert!(out.contains("ebs.csi.aws.com"), "{out}");
    let indented = list.replace("[{", "[\n{");
    for list in [&list, &indented] {
        let line = translate(&["-o", "ndjson"], list).ended(0);
        assert!(
            line.starts_with("{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\","),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }
}

#[test]
fn a_list_on_a_line_is_taken_apart_like_any_other() {
    let input = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{EBS},{{\"kind\":\"Pod\"}}]}}\n{EBS}\n"
    );
    let lines = translate(&["-o", "ndjson"], &input).ended(0);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert_eq!(lines.matches("ebs.csi.aws.com").count(), 2);
    let kept = translate(&[], &input).ended(0);
    assert_eq!(kept.lines().count(), 2, "{kept}");
    assert!(kept.contains(",{\"kind\":\"Pod\"}]}\n"), "{kept}");
}

#[test]
fn ndjson_has_a_line_for_each_object_in_order() {
    let pretty = "{\n  \"kind\": \"Pod\",\n  \"n\": [\n    1\n  ]\n}\n";
    let input = format!("{EBS}\n{{\"kind\":1}}\n\n{pretty}");
    let out = translate(&["-o", "ndjson"], &input).ended(1);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].contains("ebs.csi.aws.com"));
    let status: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(status["kind"], "Status");
    assert_eq!(status["status"], "Failure");
    assert_eq!(status["reason"], "invalid-object");
    assert_eq!(lines[2], "{\"kind\": \"Pod\",\"n\": [1]}");
}

#[test]
fn an_object_that_becomes_several_is_a_list_on_its_line_the_original_first() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"volumes":[{"name":"v","awsElasticBlockStore":{"volumeID":"vol-1"}}]}}"#;
    let out = translate(&["-o", "ndjson"], pod).ended(0);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let kinds: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Pod", "PersistentVolume", "PersistentVolumeClaim"]);
    assert_eq!(out.lines().count(), 1);
}

#[test]
fn yaml_becomes_one_list_in_json_and_json_becomes_documents_in_yaml() {
    let json = translate(&["-o", "json"], HELM).ended(0);
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][0]["data"]["octal"], 420);
    let yaml = translate(&["-o", "yaml"], &json).ended(0);
    assert!(yaml.contains("octal: 420"), "{yaml}");
    assert!(
        yaml.contains("big: 12345678901234567890123")
            || yaml.contains("big: 1.2345678901234568e+22"),
        "{yaml}"
    );
    assert_eq!(yaml.matches("---\n").count(), 2, "{yaml}");
}

#[test]
fn several_files_are_one_stream_in_the_format_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("1.yaml"), "kind: A").unwrap();
    std::fs::write(dir.path().join("2.json"), "{\"kind\": \"B\"}").unwrap();
    std::fs::write(dir.path().join("3.yaml"), "kind: C\n").unwrap();
    std::fs::write(dir.path().join("notes.txt"), "not a manifest").unwrap();
    let out = translate(&["-f", dir.path().to_str().unwrap()], "").ended(0);
    assert_eq!(out, "kind: A\n---\nkind: B\n---\nkind: C\n");
}

#[test]
fn a_class_counts_for_the_volumes_after_it_and_with_context_for_all() {
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: flexvolume-huawei.com/fuxivol\nparameters: {kubernetes.io/volumetype: SSD}\n";
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  storageClassName: fast\n  accessModes: [ReadWriteOnce]\n  flexVolume: {driver: huawei.com/fuxivol, fsType: ext4, options: {volumeID: x, fsType: ext4}}\n";
    let typed = "everest.io/disk-volume-type: SSD";
    let after = translate(&[], format!("{class}---\n{volume}")).ended(0);
    assert!(after.contains(typed), "{after}");
    let before = translate(&[], format!("{volume}---\n{class}")).ended(0);
    let (before, _) = before.split_once("---").unwrap();
    assert!(!before.contains(typed), "{before}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), class).unwrap();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
         "provisioner": "flexvolume-huawei.com/fuxivol", "parameters": {"kubernetes.io/volumetype": "SSD"}},
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"}, "spec": {
            "storageClassName": "fast", "accessModes": ["ReadWriteOnce"],
            "flexVolume": {"driver": "huawei.com/fuxivol", "options": {"volumeID": "x"}}}},
    ]});
    // A list on one line, over several lines, and as a YAML document.
    let pretty = serde_json::to_string_pretty(&list).unwrap();
    let yaml = format!("---\n{pretty}");
    for list in [&list.to_string(), &pretty, &yaml] {
        let out = translate(&[], list).ended(0);
        let (_, volume) = out.split_once("PersistentVolume").unwrap();
        assert!(volume.contains("SSD"), "{out}");
    }
    let told = translate(&["--context", file.path().to_str().unwrap()], volume).ended(0);
    assert!(told.contains(typed), "{told}");
}

#[test]
fn many_volumes_keep_their_order_over_several_threads() {
    let input: String = (0..5000)
        .map(|n| EBS.replace("vol-1", &format!("vol-{n}")) + "\n")
        .collect();
    let out = translate(&["-o", "ndjson", "-q"], &input).ended(0);
    for (n, line) in out.lines().enumerate() {
        assert!(
            line.contains(&format!("\"volumeHandle\":\"vol-{n}\"")),
            "{n}: {line}"
        );
    }
    assert_eq!(out.lines().count(), 5000);
}
