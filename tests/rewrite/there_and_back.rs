//! All goes well.

use serde_json::Value;

use super::rig::Rig;
use super::store::{EVENTS, MIGRATIONS, VOLUMES};

#[test]
fn a_plan_is_shown_done_and_brought_back() {
    let rig = Rig::new(&["a", "b"]);
    let plan = rig.plan();
    rig.run(&["rewrite", "--plan", &plan])
        .ended(0)
        .said("dry run: nothing was changed. To be rewritten with --yes: 2");
    assert!(rig.cluster.writes().is_empty());

    let backup = rig.file("originals");
    rig.run(&["rewrite", "--plan", &plan, "--backup", &backup, "--yes"])
        .ended(0)
        .said("PersistentVolume pv-a: rewritten")
        .said("PersistentVolume pv-b: rewritten")
        .said("rewrite: 2 done");
    for name in ["a", "b"] {
        rig.assert_rewritten(name);
        assert_eq!(rig.deletions(name), 1);
    }
    rig.assert_claims();
    assert_eq!(std::fs::read_dir(&backup).unwrap().count(), 2);

    // The plan is done, and so is everything.
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(0)
        .said("2 done before");
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("0 done");

    rig.run(&["rollback", "--all"])
        .ended(0)
        .said("Originals to be brought back with --yes: 2");
    rig.run(&["rollback", "--plan", &plan, "--yes"])
        .ended(0)
        .said("pv-a: its original is back");
    rig.assert_original("a");
    rig.assert_claims();
    rig.run(&["rollback", "--all", "--yes"])
        .ended(0)
        .said("nothing to bring back");
}

/// Whoever looks at the audit log or an object's managed fields knows who it was.
#[test]
fn every_write_is_marked_as_ours() {
    let rig = Rig::new(&["a"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    let mut kinds = std::collections::BTreeSet::new();
    for asked in rig.cluster.asked() {
        assert!(asked.agent.starts_with("flex2csi/"), "{asked:?}");
        let marked = asked.line.contains("fieldManager=flex2csi");
        let review = asked.line.contains("selfsubjectaccessreviews");
        if !["GET ", "DELETE "]
            .iter()
            .any(|verb| asked.line.starts_with(verb))
        {
            assert!(marked || review, "{}", asked.line);
        }
        kinds.insert(
            asked
                .line
                .split(['?', ' '])
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        );
    }
    for place in [EVENTS, VOLUMES, MIGRATIONS] {
        let written = |kind: &String| kind.contains(place.rsplit('/').next().unwrap());
        assert!(kinds.iter().any(written), "{place}: {kinds:?}");
    }
}

#[test]
fn events_stand_on_the_volume_and_on_its_claim() {
    let rig = Rig::new(&["a"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    let store = rig.cluster.store();
    let mut events: Vec<(&str, &str)> = store
        .list(EVENTS)
        .into_iter()
        .map(|event| {
            let text = |value: &'_ Value| -> &'static str {
                String::leak(value.as_str().unwrap().to_owned())
            };
            (
                text(&event["involvedObject"]["kind"]),
                text(&event["reason"]),
            )
        })
        .collect();
    events.sort();
    assert_eq!(
        events,
        [
            ("PersistentVolume", "Rewritten"),
            ("PersistentVolume", "RolledBack"),
            ("PersistentVolumeClaim", "Rewritten"),
            ("PersistentVolumeClaim", "RolledBack"),
        ]
    );
}

#[test]
fn a_selection_takes_what_it_names() {
    for (args, taken) in [
        (&["--pv", "pv-a-1"][..], &["a-1"][..]),
        (&["--claim", "shop/a-2"], &["a-2"]),
        (&["-l", "tier=a"], &["a-1", "a-2"]),
        (&["-n", "shop"], &["a-1", "a-2", "b-1"]),
        (&["-n", "elsewhere"], &[]),
        (
            &["--driver", "kubernetes.io/aws-ebs"],
            &["a-1", "a-2", "b-1"],
        ),
    ] {
        let names = ["a-1", "a-2", "b-1"];
        let rig = Rig::new(&names);
        rig.run(&[&["rewrite", "--yes"], args].concat()).ended(0);
        for name in names {
            match taken.contains(&name) {
                true => rig.assert_rewritten(name),
                false => rig.assert_untouched(name),
            }
        }
        rig.run(&[&["rollback", "--yes"], args].concat()).ended(0);
        for name in names {
            rig.assert_original(name);
        }
    }
}
