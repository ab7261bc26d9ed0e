//! Plans that are not, or not any more, of this cluster as it is.

use std::fs;

use serde_json::json;

use super::rig::{Rig, pair};
use super::store::{CLAIMS, VOLUMES};

/// Nothing is done with a plan that is changed so, and this is said.
fn refused(change: impl Fn(String) -> String, says: &str) {
    for verb in ["rewrite", "rollback"] {
        let rig = Rig::new(&["a", "b"]);
        let plan = rig.plan();
        let text = fs::read_to_string(&plan).unwrap();
        fs::write(&plan, change(text)).unwrap();
        rig.run(&[verb, "--plan", &plan, "--yes"])
            .ended(2)
            .said(says);
        assert!(rig.cluster.writes().is_empty());
    }
}

#[test]
fn one_that_is_cut_off_is_refused() {
    refused(
        |text| text[..text.rfind("---").unwrap()].to_owned(),
        "is cut off after 2 objects; copy it again, or plan again",
    );
    refused(|text| text[..text.len() * 2 / 3].to_owned(), "plan.yaml");
    refused(|_| String::new(), "is no plan: it is empty");
}

#[test]
fn one_that_was_edited_is_refused() {
    refused(
        |text| text.replacen("handle: vol-a", "handle: vol-b", 1),
        "PersistentVolume pv-a is not as it was planned; only `options` may be edited",
    );
    // An object is taken out.
    refused(
        |text| {
            let documents: Vec<&str> = text.split("---\n").collect();
            let kept = documents
                .iter()
                .filter(|document| !document.contains("name: pv-a"));
            kept.copied().collect::<Vec<_>>().join("---\n")
        },
        "has other objects than were planned",
    );
    refused(|_| "kind: List\n".to_owned(), "is no plan");
}

#[test]
fn options_may_be_edited() {
    let rig = Rig::new(&["a", "b"]);
    let plan = rig.plan();
    let text = fs::read_to_string(&plan).unwrap();
    let (before, after) = text.split_once("name: pv-b").unwrap();
    let after = after.replacen("skip: false", "skip: true", 1);
    fs::write(&plan, format!("{before}name: pv-b{after}")).unwrap();
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(0)
        .said("rewrite: 1 done");
    rig.assert_rewritten("a");
    rig.assert_untouched("b");
}

#[test]
fn one_of_another_cluster_is_refused() {
    let plan = Rig::new(&["a"]);
    let path = plan.plan();
    let other = Rig::new(&["a"]);
    other.cluster.store().put(
        "/api/v1/namespaces",
        json!({"metadata": {"name": "kube-system", "uid": "another"}}),
    );
    for verb in ["rewrite", "rollback"] {
        other
            .run(&[verb, "--plan", &path, "--yes"])
            .ended(2)
            .said("was made for another cluster (kube-system has the uid ")
            .said("another here");
    }
    other.assert_untouched("a");
}

#[test]
fn what_has_changed_since_is_left_alone_and_the_rest_is_done() {
    let rig = Rig::new(&["a", "b"]);
    let plan = rig.plan();
    let mut volume = rig.volume("a");
    volume["metadata"]["labels"]["new"] = "1".into();
    rig.cluster.store().put(VOLUMES, volume);
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(1)
        .said("PersistentVolume pv-a has changed since it was planned; plan again")
        .said("rewrite: 1 done, 1 failed");
    rig.assert_untouched("a");
    rig.assert_rewritten("b");
}

#[test]
fn what_was_made_anew_since_is_left_alone() {
    let rig = Rig::new(&["a", "b"]);
    let plan = rig.plan();
    let [mut volume, claim] = pair("a");
    volume["metadata"]["uid"] = "uid-of-another".into();
    rig.cluster.store().put(VOLUMES, volume);
    rig.cluster.store().put(CLAIMS, claim);
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(1)
        .said(
            "pv-a was deleted and made again since it was planned (its uid is another); plan again",
        );
    assert_eq!(rig.volume("a")["metadata"]["uid"], "uid-of-another");
    assert_eq!(rig.deletions("a"), 0);
    rig.assert_rewritten("b");
}

#[test]
fn what_is_gone_since_is_named() {
    let rig = Rig::new(&["a", "b"]);
    let plan = rig.plan();
    rig.cluster.store().remove(VOLUMES, "", "pv-a");
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(1)
        .said("pv-a is not there in its legacy form any more; plan again");
    // A dry run says the same.
    rig.run(&["rewrite", "--plan", &plan])
        .ended(1)
        .said("pv-a is not there");
    assert_eq!(rig.deletions("a"), 0);
}

#[test]
fn what_translates_to_something_else_now_is_left_alone() {
    let rig = Rig::new(&["a"]);
    let class = json!({
        "metadata": {"name": "fast"},
        "provisioner": "kubernetes.io/aws-ebs", "parameters": {"type": "gp2"},
    });
    let classes = super::store::CLASSES;
    rig.cluster.store().put(classes, class);
    let plan = rig.plan();
    let mut class = rig
        .cluster
        .store()
        .get(classes, "", "fast")
        .unwrap()
        .clone();
    class["parameters"]["type"] = "io1".into();
    rig.cluster.store().put(classes, class);
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(1)
        .said("StorageClass fast has changed since it was planned");
    rig.assert_rewritten("a");
}
