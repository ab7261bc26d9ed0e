//! Who is interrupted finishes what is past its point of no return.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::VOLUMES;

/// One at a time; the creation of the first new volume takes as long as the test wants.
fn held(rig: &Rig) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let create = Rule::always(&["POST", VOLUMES], Act::Hold(Arc::clone(&gate)));
    rig.cluster.rule(create.but(&["dryRun"]));
    gate
}

const REWRITE: [&str; 5] = ["rewrite", "--all", "--parallel", "1", "--yes"];
const CREATE: [&str; 3] = ["POST", VOLUMES, "fieldValidation=Strict"];

fn until_in_the_gap(rig: &Rig) {
    rig.cluster.until("the gap", || {
        rig.cluster
            .writes()
            .iter()
            .any(|asked| CREATE.iter().all(|has| asked.line.contains(has)))
    });
}

#[test]
fn once_lets_it_finish_what_is_past_its_point_of_no_return() {
    let rig = Rig::of(5);
    let gate = held(&rig);
    let running = rig.start(&REWRITE);
    until_in_the_gap(&rig);
    running.interrupt();
    // It has heard it before it goes on.
    running.until_said("stopping: what is past its point of no return is finished");
    gate.add_permits(100);
    running
        .end()
        .ended(1)
        .said("rewrite: 1 done, 4 left as they are");
    rig.assert_claims();
    let done = (0..5).filter(|number| rig.phase(&format!("n-{number}")) == "Rewritten");
    assert_eq!(done.count(), 1);
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("rewrite: 4 done");
    rig.assert_claims();
}

#[test]
fn twice_ends_it_at_once_and_the_next_goes_on() {
    let rig = Rig::of(3);
    let gate = held(&rig);
    let running = rig.start(&REWRITE);
    until_in_the_gap(&rig);
    running.interrupt();
    running.until_said("stopping");
    running.interrupt();
    // 128 and the number of SIGINT, as shells have it.
    running.end().ended(130);
    let gone = (0..3).filter(|number| rig.volume(&format!("n-{number}")).is_null());
    assert_eq!(gone.count(), 1);
    gate.add_permits(100);
    rig.cluster.no_rules();
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("begun and not finished: 1; these come first")
        .said("rewrite: 3 done");
    rig.assert_claims();
}

#[test]
fn what_is_not_begun_is_not_begun() {
    let rig = Rig::of(3);
    let gate = Arc::new(Semaphore::new(0));
    let list = Rule::once(&["GET", VOLUMES, "limit="], Act::Hold(Arc::clone(&gate)));
    rig.cluster.rule(list);
    let running = rig.start(&REWRITE);
    rig.cluster.until_asked(&["GET", VOLUMES, "limit=500"]);
    running.interrupt();
    running
        .end()
        .ended(1)
        .said("interrupted before anything new was begun");
    gate.add_permits(1);
    assert!(rig.cluster.writes().is_empty());
}
