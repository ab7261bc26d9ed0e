//! `--fence`, as far as it is about who put up what. That pods are turned away is
//! another tier's.

use serde_json::json;

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::{BINDINGS, FENCES, POLICIES, VOLUMES};

const NAME: &str = "flex2csi-fence";
const REMOVE: &[&str] = &["rewrite", "--remove-fence"];

/// What puts a fence in force is not here: the API server says that it is.
fn rig() -> Rig {
    let rig = Rig::new(&["a"]);
    let probe = ["PATCH", "persistentvolumeclaims/a", "dryRun=All"];
    rig.cluster
        .rule(Rule::always(&probe, Act::Refuse(403, NAME)));
    rig
}

fn is_there(rig: &Rig, collection: &str) -> bool {
    rig.cluster.store().get(collection, "", NAME).is_some()
}

#[test]
fn the_last_one_to_end_leaves_nothing() {
    let rig = rig();
    rig.run(&["rewrite", "--all", "--fence", "--yes"]).ended(0);
    rig.assert_rewritten("a");
    assert!(!is_there(&rig, POLICIES) && !is_there(&rig, BINDINGS));
    assert!(rig.cluster.store().list(FENCES).is_empty());
}

/// Another process has taken the claim over, and counts on it.
#[test]
fn who_does_not_hold_a_fence_any_more_does_not_lower_it() {
    let rig = rig();
    let act = Act::Then(Box::new(|store| {
        let mut fence = store.get(FENCES, "shop", NAME).unwrap().clone();
        fence["claims"]["a"] = "2026-01-01T00:00:00Z another".into();
        store.put(FENCES, fence);
        let mut policy = store.get(POLICIES, "", NAME).unwrap().clone();
        policy["metadata"]["annotations"]["holder.flex2csi.io/another"] = "now".into();
        store.put(POLICIES, policy);
    }));
    rig.cluster.rule(Rule::once(&["DELETE", VOLUMES], act));
    rig.run(&["rewrite", "--all", "--fence", "--yes"]).ended(0);
    let store = rig.cluster.store();
    let fence = store.get(FENCES, "shop", NAME).unwrap();
    assert_eq!(
        fence["claims"],
        json!({"a": "2026-01-01T00:00:00Z another"})
    );
}

#[test]
fn what_a_removal_has_left_is_found() {
    let rig = rig();
    let binding = json!({"metadata": {"name": NAME}});
    rig.cluster.store().put(BINDINGS, binding);
    rig.run(REMOVE).ended(0).said("the fence is removed");
    assert!(!is_there(&rig, BINDINGS));
    rig.run(REMOVE).ended(0).said("there is no fence");
}

#[test]
fn a_fence_that_may_not_be_removed_is_named() {
    let rig = rig();
    let policy = json!({"metadata": {"name": NAME}});
    rig.cluster.store().put(POLICIES, policy);
    let refused = Act::Refuse(403, "you cannot delete it");
    rig.cluster
        .rule(Rule::always(&["DELETE", POLICIES], refused));
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("a fence that a run before has left is still there")
        .said("you cannot delete it")
        .said("flex2csi rewrite --remove-fence");
    rig.assert_rewritten("a");
}
