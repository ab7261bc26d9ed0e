//! An API server that does not do as it should, and one that does not let us.

use super::{Api, plan, testdata};

fn api() -> Api {
    let read = |path: &str| std::fs::read_to_string(testdata().join(path)).unwrap();
    Api::of_manifests(&[read("base.yaml"), read("fleet/in.yaml")])
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_plan_only_reads() {
    let api = api();
    assert!(plan(&api, &[]).status.success());
    for asked in api.asked() {
        let reads = asked.starts_with("GET /")
            || asked.contains("?dryRun=All&")
            || asked.ends_with("/selfsubjectaccessreviews");
        assert!(reads, "{asked}");
    }
}

#[test]
fn an_answer_that_comes_at_the_next_try_makes_no_difference() {
    let api = api();
    let expected = said(&plan(&api, &[]));
    for path in [
        "/api/v1/persistentvolumes",
        "/api/v1/pods",
        "/api/v1/namespaces/kube-system",
    ] {
        api.behave(|behaviour| {
            behaviour.fail_first.insert(path.to_owned(), vec![429, 503]);
        });
    }
    assert_eq!(said(&plan(&api, &[])), expected);
    api.behave(|behaviour| assert!(behaviour.fail_first.values().all(Vec::is_empty)));
}

#[test]
fn a_list_whose_version_is_gone_is_read_on() {
    let volumes: String = (0..1200)
        .map(|index| {
            format!(
                "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: pv-{index:04}}}\n\
                 spec: {{awsElasticBlockStore: {{volumeID: vol-{index}}}}}\nstatus: {{phase: Available}}\n"
            )
        })
        .collect();
    let base = std::fs::read_to_string(testdata().join("base.yaml")).unwrap();
    let api = Api::of_manifests(&[base, volumes]);
    api.behave(|behaviour| {
        behaviour.expire = Some(("/api/v1/persistentvolumes".to_owned(), 500));
    });
    let output = plan(&api, &["--no-server-dry-run"]);
    assert!(
        said(&output).contains("1200 objects in legacy form"),
        "{}",
        said(&output)
    );
    api.behave(|behaviour| assert!(behaviour.expire.is_none()));
}

#[test]
fn without_a_right_that_is_needed_there_is_no_plan() {
    for path in [
        "get /api/v1/namespaces/kube-system",
        "list /api/v1/persistentvolumes",
        "list /api/v1/pods",
        "list /api/v1/nodes",
        "list /apis/storage.k8s.io/v1/volumeattachments",
        "list /apis/flex2csi.io/v1alpha1/nodevolumes",
    ] {
        let api = api();
        api.behave(|behaviour| behaviour.forbid.push(path.to_owned()));
        let out = api.directory().join("plan.yaml");
        let output = plan(&api, &["--out", out.to_str().unwrap()]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("flex2csi plan --rbac"), "{said}");
        assert!(said.contains(path.split_once(' ').unwrap().1), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn an_object_that_cannot_be_read_is_named() {
    let broken = "apiVersion: v1\nkind: PersistentVolumeClaim\n\
                  metadata: {name: broken, namespace: shop}\nspec: {volumeName: 7}\n";
    let base = std::fs::read_to_string(testdata().join("base.yaml")).unwrap();
    let api = Api::of_manifests(&[base, broken.to_owned()]);
    let output = plan(&api, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("PersistentVolumeClaims broken cannot be read"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_cluster_that_is_not_there_is_said_to_be_so() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("none");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["plan", "--kubeconfig"])
        .arg(&missing)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("none"), "{}", said(&output));
}

#[test]
fn a_claim_needs_its_namespace() {
    let output = plan(&api(), &["--claim", "data"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("NAMESPACE/data"));
}

#[test]
fn the_rights_are_printed_without_a_cluster() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["plan", "--rbac"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, include_str!("../../deploy/rbac/plan.yaml"));
    for document in crate::api::documents(&text) {
        assert_eq!(document["kind"], "ClusterRole");
    }
}

#[test]
fn json_and_yaml_are_whole() {
    let api = api();
    let output = plan(&api, &["-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let objects = json["objects"].as_array().unwrap();
    let total: u64 = json["totals"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(objects.len() as u64, total);
    let output = plan(&api, &["-o", "yaml"]);
    let path = api.directory().join("printed.yaml");
    std::fs::write(&path, &output.stdout).unwrap();
    let mut file = flex2csi::plan::file::PlanFile::open(&path).unwrap();
    let mut rows = 0;
    while file.next().unwrap().is_some() {
        rows += 1;
    }
    assert_eq!(rows, total);
}
