//! Two programs, the same volumes.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::{MIGRATIONS, VOLUMES};

#[test]
fn two_at_once_do_each_volume_once() {
    let rig = Rig::of(8);
    let (one, other) = (
        rig.start(&["rewrite", "--all", "--yes"]),
        rig.start(&["rewrite", "--all", "--yes"]),
    );
    let (one, other) = (one.end(), other.end());
    let done = |ended: &super::rig::Ended| ended.stderr.matches(": rewritten").count();
    assert_eq!(
        done(&one) + done(&other),
        8,
        "{}\n{}",
        one.all(),
        other.all()
    );
    for number in 0..8 {
        let name = format!("n-{number}");
        rig.assert_rewritten(&name);
        assert_eq!(rig.deletions(&name), 1);
    }
    rig.assert_claims();
}

/// The second finds the first at work on it, and leaves it to it.
#[test]
fn who_finds_another_at_work_leaves_it_alone() {
    let rig = Rig::new(&["a"]);
    // The controller takes its time: the first one waits, and gives signs of life.
    rig.cluster.store().controllers = false;
    let first = rig.start(&["rewrite", "--all", "--yes"]);
    rig.cluster.until_asked(&["DELETE", VOLUMES]);
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(1)
        .said("being worked on by another process");
    rig.cluster.store().controllers = true;
    rig.cluster.store().work();
    first.end().ended(0);
    rig.assert_rewritten("a");
    assert_eq!(rig.deletions("a"), 1);
    rig.assert_claims();
}

/// One that was asleep in the middle of it, while another took it over and brought it
/// back, writes nothing more.
#[test]
fn one_that_was_asleep_finds_that_it_is_not_its_own_any_more() {
    let rig = Rig::new(&["a"]);
    let gate = Arc::new(Semaphore::new(0));
    // Its delete is on the way for so long.
    let delete = Rule::once(&["DELETE", VOLUMES], Act::Hold(Arc::clone(&gate)));
    rig.cluster.rule(delete);
    let sleeper = rig.start(&["rewrite", "--all", "--yes"]);
    rig.cluster.until_asked(&["DELETE", VOLUMES]);
    // Another waits until it counts as dead.
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    gate.add_permits(1);
    sleeper
        .end()
        .ended(1)
        .said("being worked on by another process");
    assert_eq!(rig.volume("a")["metadata"]["uid"], "uid-of-pv-a");
    assert!(rig.volume("a")["metadata"]["deletionTimestamp"].is_null());
    let annotations = rig.volume("a")["metadata"]["annotations"].clone();
    assert_eq!(annotations.as_object().unwrap().len(), 1, "{annotations}");
    assert_eq!(rig.cluster.store().list(MIGRATIONS).len(), 1);
    rig.assert_claims();
}
