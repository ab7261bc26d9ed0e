//! Of many volumes a watch tells before their turn comes.

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::VOLUMES;

const MANY: usize = 120;

/// How many volumes were read one by one when all were rewritten.
fn read_one_by_one(rig: &Rig) -> usize {
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    for number in 0..MANY {
        rig.assert_rewritten(&format!("n-{number}"));
    }
    rig.assert_claims();
    let asked = rig.cluster.asked();
    let of_one = format!("GET {VOLUMES}/pv-n-");
    asked
        .iter()
        .filter(|asked| asked.line.starts_with(&of_one))
        .count()
}

#[test]
fn few_are_read_one_by_one() {
    let count = read_one_by_one(&Rig::of(MANY));
    assert!(count < MANY * 3 / 4, "{count} of {MANY}");
}

#[test]
fn without_a_watch_each_is_read() {
    let rig = Rig::of(MANY);
    let watch = ["GET", VOLUMES, "watch=true"];
    rig.cluster
        .rule(Rule::always(&watch, Act::Refuse(403, "no watch")));
    let count = read_one_by_one(&rig);
    assert!(count >= MANY, "{count} of {MANY}");
}

#[test]
fn one_that_changes_before_its_turn_is_not_taken_for_what_was_planned() {
    let rig = Rig::of(MANY);
    let act = Act::Then(Box::new(|store| {
        let mut volume = store.get(VOLUMES, "", "pv-n-99").unwrap().clone();
        volume["metadata"]["labels"] = serde_json::json!({"team": "db"});
        store.put(VOLUMES, volume);
    }));
    rig.cluster.rule(Rule::once(&["DELETE", VOLUMES], act));
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(1)
        .said("PersistentVolume pv-n-99 has changed since it was planned; plan again");
    rig.assert_original("n-99");
    rig.assert_rewritten("n-98");
}
