//! When so much goes wrong that nothing new is begun.

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::{MIGRATIONS, VOLUMES};

fn records(rig: &Rig) -> usize {
    rig.cluster.store().list(MIGRATIONS).len()
}

#[test]
fn after_so_many_failures_nothing_new_is_begun() {
    let rig = Rig::of(10);
    let marked = Rule::always(&["PATCH", VOLUMES], Act::Refuse(403, "no"));
    rig.cluster.rule(marked);
    rig.run(&[
        "rewrite",
        "--all",
        "--parallel",
        "1",
        "--max-failures",
        "3",
        "--yes",
    ])
    .ended(1)
    .said("stopped after 3 failures (--max-failures); 7 not begun")
    .said("rewrite: 0 done, 3 failed, 7 left as they are");
    assert_eq!(records(&rig), 3);
}

#[test]
fn one_that_fails_stops_no_other() {
    let rig = Rig::of(5);
    rig.cluster.rule(Rule::always(
        &["PATCH", VOLUMES, "/pv-n-2?"],
        Act::Refuse(403, "no"),
    ));
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(1)
        .said("rewrite: 4 done, 1 failed")
        .said("Next: `flex2csi status`");
    rig.assert_untouched("n-2");
    for name in ["n-0", "n-1", "n-3", "n-4"] {
        rig.assert_rewritten(name);
    }
    rig.assert_claims();
}

#[test]
fn a_share_of_failures_is_too_much_once_enough_have_ended() {
    let rig = Rig::of(40);
    // n-1, n-10 … n-19: 11 of 40.
    rig.cluster.rule(Rule::always(
        &["PATCH", VOLUMES, "/pv-n-1"],
        Act::Refuse(403, "no"),
    ));
    let args = ["rewrite", "--all", "--parallel", "1", "--yes"];
    let ended = rig
        .run(
            &[
                &args[..],
                &["--max-failures", "100", "--max-failure-rate", "25%"],
            ]
            .concat(),
        )
        .ended(1)
        .said("(--max-failure-rate 25%)");
    assert!(records(&rig) >= 20 && records(&rig) < 40, "{}", ended.all());
    // A greater share may fail: all others are done.
    rig.run(
        &[
            &args[..],
            &["--max-failures", "100", "--max-failure-rate", "60"],
        ]
        .concat(),
    )
    .ended(1);
    assert_eq!(records(&rig), 40);
    rig.run(&[&args[..], &["--max-failure-rate", "101"]].concat())
        .ended(2)
        .said("from 0 to 100");
}
