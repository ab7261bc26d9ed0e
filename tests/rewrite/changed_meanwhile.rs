//! Somebody else does something while a volume is being replaced. Nothing is lost,
//! what was found is said, and it can be gone on from once that is put right.

use serde_json::Value;

use super::cluster::{Act, Rule};
use super::rig::{Rig, pair, pod};
use super::store::{CLAIMS, MIGRATIONS, Store, VOLUMES};

/// Rewrites all, and once the object of `a` is deleted, this happens.
fn in_the_gap(happens: impl FnMut(&mut Store) + Send + 'static) -> (Rig, super::rig::Ended) {
    let rig = Rig::new(&["a", "b"]);
    let mut happens = happens;
    let act = Act::Then(Box::new(move |store| {
        // Whoever had a finalizer on it was fast.
        store.remove(VOLUMES, "", "pv-a");
        happens(store);
    }));
    rig.cluster
        .rule(Rule::once(&["DELETE", VOLUMES, "/pv-a"], act));
    let ended = rig.run(&["rewrite", "--all", "--parallel", "1", "--yes"]);
    (rig, ended)
}

#[test]
fn a_claim_that_is_deleted_in_the_gap_gets_no_volume() {
    let (rig, ended) = in_the_gap(|store| store.remove(CLAIMS, "shop", "a"));
    ended
        .ended(1)
        .said("PersistentVolume pv-a has lost its claim shop/a: it was deleted")
        .said("see \"By hand\" in docs/rewrite-protocol.md");
    assert!(rig.volume("a").is_null());
    assert_eq!(rig.phase("a"), "Stopped");
    rig.assert_rewritten("b");
    rig.run(&["status"])
        .ended(1)
        .said("1 stopped")
        .said("shop/a");
    // Both forms are in the record.
    let store = rig.cluster.store();
    let record = store.get(MIGRATIONS, "", "pv-pv-a").unwrap();
    let restore: Value = serde_json::from_str(record["spec"]["restore"].as_str().unwrap()).unwrap();
    assert_eq!(restore["spec"]["awsElasticBlockStore"]["volumeID"], "vol-a");
}

#[test]
fn a_claim_that_is_made_anew_in_the_gap_is_another() {
    let (rig, ended) = in_the_gap(|store| {
        let [_, mut claim] = pair("a");
        claim["metadata"]["uid"] = "uid-of-another".into();
        store.put(CLAIMS, claim);
    });
    ended.ended(1).said("PersistentVolume pv-a").said("failed");
    assert!(rig.volume("a").is_null());
    assert_eq!(rig.phase("a"), "Stopped");
}

#[test]
fn a_volume_that_somebody_makes_in_the_gap_is_not_touched() {
    let (rig, ended) = in_the_gap(|store| {
        let [mut volume, _] = pair("a");
        volume["metadata"]["uid"] = "uid-of-another".into();
        volume["spec"]["claimRef"] = Value::Null;
        store.put(VOLUMES, volume);
    });
    ended.ended(1).said("PersistentVolume pv-a").said("failed");
    assert_eq!(rig.volume("a")["metadata"]["uid"], "uid-of-another");
    assert_eq!(rig.deletions("a"), 1);
    assert_eq!(rig.phase("a"), "Stopped");
    // Once it is away again, it goes on from where it was.
    rig.cluster.store().remove(VOLUMES, "", "pv-a");
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.assert_rewritten("a");
    rig.assert_claims();
}

#[test]
fn a_pod_that_comes_right_before_keeps_its_volume() {
    let rig = Rig::new(&["a", "b"]);
    // When the record of `a` is made, its pod is not there yet.
    rig.cluster.rule(Rule::once(
        &["POST", MIGRATIONS],
        Act::Then(Box::new(|store| {
            store.put("/api/v1/pods", pod("a"));
        })),
    ));
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"])
        .ended(1)
        .said("is in use: pod shop/web");
    rig.assert_untouched("a");
    rig.cluster.store().remove("/api/v1/pods", "shop", "web");
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    rig.assert_rewritten("a");
}

/// It may still be seen at any moment before the commit.
#[test]
fn a_pod_that_comes_after_the_first_look_keeps_its_volume() {
    for step in [
        &["PATCH", VOLUMES, "pv-a"][..],
        &["POST", VOLUMES, "dryRun"],
    ] {
        let rig = Rig::new(&["a"]);
        let comes = Act::Then(Box::new(|store| store.put("/api/v1/pods", pod("a"))));
        rig.cluster.rule(Rule::once(step, comes));
        rig.run(&["rewrite", "--all", "--no-server-dry-run", "--yes"])
            .ended(1)
            .said("is in use: pod shop/web");
        rig.assert_untouched("a");
        rig.cluster.store().remove("/api/v1/pods", "shop", "web");
        rig.run(&["rewrite", "--all", "--yes"]).ended(0);
        rig.assert_rewritten("a");
        rig.assert_claims();
    }
}

/// Without the kind there is no record of anything: nothing more is deleted.
#[test]
fn a_kind_that_is_deleted_half_way_ends_it() {
    let rig = Rig::new(&["a"]);
    let gone = Act::Then(Box::new(|store| {
        store.remove(MIGRATIONS, "", "pv-pv-a");
        store.has_journal = false;
    }));
    rig.cluster
        .rule(Rule::once(&["PATCH", VOLUMES, "pv-a"], gone));
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(1)
        .said("kubectl apply -f deploy/crds/volumemigrations.yaml");
    rig.assert_untouched("a");
}

/// In the gap the only copy is the program's: that volume comes first.
#[test]
fn a_kind_that_is_deleted_in_the_gap_costs_no_volume() {
    let (rig, ended) = in_the_gap(|store| {
        store.remove(MIGRATIONS, "", "pv-pv-a");
        store.has_journal = false;
    });
    ended
        .ended(1)
        .said("kubectl apply -f deploy/crds/volumemigrations.yaml");
    assert_eq!(rig.volume("a")["spec"]["csi"]["volumeHandle"], "vol-a");
    rig.assert_claims();
    rig.assert_untouched("b");
}

#[test]
fn a_record_that_is_deleted_half_way_is_made_anew() {
    let (rig, ended) = in_the_gap(|store| store.remove(MIGRATIONS, "", "pv-pv-a"));
    ended.ended(0);
    rig.assert_rewritten("a");
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    rig.assert_original("a");
    rig.assert_claims();
}
