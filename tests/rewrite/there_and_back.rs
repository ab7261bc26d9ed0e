//! All goes well.

use serde_json::{Value, json};

use super::cluster::{Act, Rule};
use super::rig::{Rig, pair, pod};
use super::store::{CLAIMS, EVENTS, MIGRATIONS, VOLUMES};

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

/// Until there is nothing in the way of the original, nothing is recorded of the way back.
#[test]
fn what_cannot_be_brought_back_now_stays_rewritten() {
    let rig = Rig::new(&["a", "b"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.cluster.store().put("/api/v1/pods", pod("a"));
    rig.run(&["rollback", "--all", "--yes"])
        .ended(1)
        .said("PersistentVolume pv-a is in use: pod shop/web");
    rig.assert_original("b");
    rig.assert_rewritten("a");
    rig.run(&["status"]).ended(0).said("1 rewritten");
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
}

/// And what has been begun of it can be let be, for as long as nothing was deleted.
#[test]
fn a_way_back_that_was_only_begun_is_left_by_a_rewrite() {
    let rig = Rig::new(&["a"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    let checked = ["POST", VOLUMES, "dryRun"];
    rig.cluster
        .rule(Rule::always(&checked, Act::Refuse(403, "not this form")));
    rig.run(&["rollback", "--all", "--yes"])
        .ended(1)
        .said("not this form");
    rig.cluster.no_rules();
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.assert_rewritten("a");
    let annotations = rig.volume("a")["metadata"]["annotations"].clone();
    assert!(annotations["flex2csi.io/rewriting"].is_null());
    assert_eq!(rig.deletions("a"), 1);
    rig.assert_claims();
}

/// A volume without a claim that gets one once it is CSI: by that it is known who uses it.
#[test]
fn a_volume_that_was_bound_since_is_brought_back_with_its_claim() {
    let rig = Rig::new(&[]);
    let [mut volume, mut claim] = pair("a");
    volume["spec"].as_object_mut().unwrap().remove("claimRef");
    volume["status"]["phase"] = "Available".into();
    rig.cluster.store().put(VOLUMES, volume);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    {
        let mut store = rig.cluster.store();
        let mut volume = store.get(VOLUMES, "", "pv-a").unwrap().clone();
        assert!(volume["spec"]["csi"].is_object());
        volume["spec"]["claimRef"] =
            json!({"namespace": "shop", "name": "a", "uid": claim["metadata"]["uid"]});
        volume["status"]["phase"] = "Bound".into();
        claim["status"]["phase"] = "Bound".into();
        store.put(VOLUMES, volume);
        store.put(CLAIMS, claim);
        store.put("/api/v1/pods", pod("a"));
    }
    rig.run(&["rollback", "--all", "--yes"])
        .ended(1)
        .said("PersistentVolume pv-a is in use: pod shop/web");
    rig.cluster.store().remove("/api/v1/pods", "shop", "web");
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    rig.assert_original("a");
    rig.assert_claims();
}

/// Volumes come and go: those that were deleted since, with their claims, are nobody's
/// failure.
#[test]
fn what_was_deleted_since_is_skipped() {
    let rig = Rig::new(&["a", "b"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.cluster.store().remove(CLAIMS, "shop", "a");
    rig.cluster.store().remove(VOLUMES, "", "pv-a");
    rig.run(&["rollback", "--all", "--yes"])
        .ended(0)
        .said("PersistentVolume pv-a: skipped: PersistentVolume pv-a was deleted")
        .said("1 done");
    rig.assert_original("b");
    assert_eq!(rig.phase("a"), "Rewritten");
    rig.run(&["status"]).ended(0);
}

/// One whose claim is there was not: that claim is Lost.
#[test]
fn a_volume_that_its_claim_misses_is_not_skipped() {
    let rig = Rig::new(&["a"]);
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.cluster.store().remove(VOLUMES, "", "pv-a");
    rig.run(&["rollback", "--all", "--yes"])
        .ended(1)
        .said("is not there, and was not deleted by this rewrite");
    assert_eq!(rig.phase("a"), "Rewritten");
}

/// What has other labels is not touched, even if it was begun.
#[test]
fn labels_choose_among_what_was_begun() {
    let rig = Rig::new(&["a-1", "b-1"]);
    let marked = ["PATCH", VOLUMES, "pv-b-1"];
    rig.cluster
        .rule(Rule::always(&marked, Act::Refuse(403, "no")));
    rig.run(&["rewrite", "--pv", "pv-b-1", "--yes"]).ended(1);
    rig.cluster.no_rules();
    rig.run(&["rewrite", "-l", "tier=a", "--yes"]).ended(0);
    rig.assert_rewritten("a-1");
    rig.assert_untouched("b-1");
    rig.run(&["rewrite", "-l", "tier=b", "--yes"]).ended(0);
    rig.assert_rewritten("b-1");
}

/// One that is gone until the new one is there has the labels of that.
#[test]
fn labels_choose_among_what_is_in_its_gap() {
    for way in ["rewrite", "rollback"] {
        let rig = Rig::new(&["a-1", "b-1", "c-1"]);
        let made = Rule::always(&["POST", VOLUMES], Act::Refuse(403, "no")).but(&["dryRun"]);
        rig.cluster.rule(made);
        for name in ["pv-a-1", "pv-b-1"] {
            let args: &[&str] = &["rewrite", "--pv", name, "--yes"];
            rig.run(args).ended(1);
        }
        rig.cluster.no_rules();
        rig.run(&["rewrite", "--pv", "pv-c-1", "--yes"]).ended(0);
        assert!(rig.volume("a-1").is_null() && rig.volume("b-1").is_null());
        rig.run(&["status", "-l", "tier=a", "-o", "json"])
            .ended(1)
            .said("pv-a-1");
        let selected = |tier: &str| rig.run(&[way, "-l", tier, "--yes"]).ended(0);
        selected("tier=z");
        assert!(rig.volume("a-1").is_null() && rig.volume("b-1").is_null());
        selected("tier=a");
        match way {
            "rewrite" => rig.assert_rewritten("a-1"),
            _ => rig.assert_original("a-1"),
        }
        assert!(rig.volume("b-1").is_null());
        rig.assert_rewritten("c-1");
        selected("tier=b");
        match way {
            "rewrite" => rig.assert_rewritten("b-1"),
            _ => rig.assert_original("b-1"),
        }
        rig.assert_rewritten("c-1");
        rig.assert_claims();
    }
}

/// Somebody has made it again and given it other labels: those count.
#[test]
fn what_is_there_has_the_labels_that_it_has_now() {
    let rig = Rig::new(&["a-1"]);
    let made = Rule::always(&["POST", VOLUMES], Act::Refuse(403, "no")).but(&["dryRun"]);
    rig.cluster.rule(made);
    rig.run(&["rewrite", "--all", "--yes"]).ended(1);
    rig.cluster.no_rules();
    let [mut volume, _] = pair("a-1");
    volume["metadata"]["labels"]["tier"] = "z".into();
    rig.cluster.store().put(VOLUMES, volume);
    rig.run(&["rollback", "-l", "tier=a", "--yes"])
        .ended(0)
        .said("nothing of what was asked for is rewritten");
    rig.run(&["rollback", "-l", "tier>1", "--yes"])
        .ended(2)
        .said("cannot be held against what is recorded");
}
