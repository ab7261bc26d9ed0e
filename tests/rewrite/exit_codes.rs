//! 0: all was done; 1: not all; 2: nothing was done.

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::{MIGRATIONS, VOLUMES};

fn ready(_: &Rig) {}

fn nothing_is_legacy(rig: &Rig) {
    rig.cluster.store().remove(VOLUMES, "", "pv-a");
}

fn in_use(rig: &Rig) {
    let pod = serde_json::json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"nodeName": "node-a", "volumes": [
            {"name": "v", "persistentVolumeClaim": {"claimName": "a"}},
        ]},
        "status": {"phase": "Running"},
    });
    rig.cluster.store().put("/api/v1/pods", pod);
}

fn refuses_all_volumes(rig: &Rig) {
    rig.cluster
        .rule(Rule::always(&["PATCH", VOLUMES], Act::Refuse(403, "no")));
}

fn is_rewritten(rig: &Rig) {
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
}

fn is_stopped(rig: &Rig) {
    refuses_all_volumes(rig);
    rig.run(&["rewrite", "--all", "--yes"]).ended(1);
}

fn has_no_journal(rig: &Rig) {
    rig.cluster.store().has_journal = false;
}

fn knows_nobody(rig: &Rig) {
    rig.cluster
        .rule(Rule::always(&["GET"], Act::Refuse(401, "Unauthorized")));
}

fn hides_pods(rig: &Rig) {
    rig.cluster
        .rule(Rule::always(&["GET", "/pods"], Act::Refuse(403, "no")));
}

fn hides_one_claim(rig: &Rig) {
    rig.cluster.rule(Rule::always(
        &["GET", "persistentvolumeclaims/a"],
        Act::Refuse(403, "no"),
    ));
}

fn has_a_record_of_another_version(rig: &Rig) {
    let record = serde_json::json!({"metadata": {"name": "pv-x"}, "spec": {"kind": "Pod"}});
    rig.cluster.store().put(MIGRATIONS, record);
}

type Case = (&'static [&'static str], fn(&Rig), i32, &'static str);

const CASES: [Case; 27] = [
    (&["rewrite", "--all"], ready, 0, "dry run"),
    (
        &["rewrite", "--all", "--diff"],
        ready,
        0,
        "would be replaced",
    ),
    (&["rewrite", "--all", "--yes"], ready, 0, "1 done"),
    (
        &["rewrite", "--all", "--yes"],
        nothing_is_legacy,
        0,
        "0 done",
    ),
    (
        &["rewrite", "--all", "--yes"],
        in_use,
        0,
        "not touched: 1 in use",
    ),
    (&["rewrite", "--all", "--yes"], is_rewritten, 0, "0 done"),
    (
        &["rewrite", "--all", "--yes"],
        refuses_all_volumes,
        1,
        "1 failed",
    ),
    (
        &["rewrite", "--all", "--yes"],
        hides_one_claim,
        1,
        "1 failed",
    ),
    (
        &["rewrite", "--all", "--yes"],
        has_no_journal,
        2,
        "deploy/crds",
    ),
    (
        &["rewrite", "--all", "--yes"],
        knows_nobody,
        2,
        "Unauthorized",
    ),
    (
        &["rewrite", "--all", "--yes"],
        hides_pods,
        2,
        "flex2csi plan --rbac",
    ),
    (
        &["rewrite", "--all", "--yes"],
        has_a_record_of_another_version,
        1,
        "pv-x cannot be read",
    ),
    (&["rewrite", "--yes"], ready, 2, "which objects?"),
    (&["rewrite", "--all", "--pv", "a"], ready, 2, "not several"),
    (
        &["rewrite", "--all", "--max-failures", "0"],
        ready,
        2,
        "--max-failures",
    ),
    (
        &["rewrite", "--all", "--parallel", "0"],
        ready,
        2,
        "--parallel",
    ),
    (&["rewrite", "--plan", "/nowhere"], ready, 2, "/nowhere"),
    (
        &["rewrite", "--all", "--values", "/nowhere"],
        ready,
        2,
        "/nowhere",
    ),
    (
        &["rewrite", "--all", "--mappings", "/nowhere"],
        ready,
        2,
        "/nowhere",
    ),
    (&["rollback", "--all"], is_rewritten, 0, "dry run"),
    (&["rollback", "--all", "--yes"], is_rewritten, 0, "1 done"),
    (
        &["rollback", "--all", "--yes"],
        ready,
        0,
        "nothing to bring back",
    ),
    (
        &["rollback", "--all", "--yes"],
        has_no_journal,
        2,
        "deploy/crds",
    ),
    (&["status"], ready, 0, "Nothing was rewritten"),
    (&["status"], is_rewritten, 0, "1 rewritten"),
    (&["status"], is_stopped, 1, "1 stopped"),
    (&["status"], has_no_journal, 2, "deploy/crds"),
];

#[test]
fn each_ending_has_its_number() {
    for (args, prepare, code, says) in CASES {
        let rig = Rig::new(&["a"]);
        prepare(&rig);
        let ended = rig.run(args);
        assert_eq!(ended.code, Some(code), "{args:?}, {says}: {}", ended.all());
        assert!(
            ended.all().contains(says),
            "{args:?}, {says}: {}",
            ended.all()
        );
    }
}

#[test]
fn the_rights_are_printed_without_a_cluster() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["rewrite", "--rbac", "--restart", "--fence"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for role in [
        include_str!("../../deploy/rbac/plan.yaml"),
        include_str!("../../deploy/rbac/rewrite.yaml"),
        include_str!("../../deploy/rbac/rewrite-restart.yaml"),
        include_str!("../../deploy/rbac/rewrite-fence.yaml"),
    ] {
        assert!(text.contains(role), "{text}");
    }
}

#[test]
fn a_server_that_is_not_there_is_no_usage_error() {
    let rig = Rig::new(&["a"]);
    let kubeconfig = std::fs::read_to_string(rig.cluster.kubeconfig()).unwrap();
    drop(rig);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    for verb in ["rewrite", "rollback"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .args([verb, "--all", "--yes", "--kubeconfig"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot reach the cluster"), "{said}");
    }
}
