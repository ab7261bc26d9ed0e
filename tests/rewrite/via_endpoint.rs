//! First to flex2csi's own endpoint, then to the backend's own form.

use serde_json::{Value, json};

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::{MIGRATIONS, VOLUMES};

const BACKEND: &str = "ebs.csi.aws.com";
const ENDPOINT: &str = "ebs.csi.aws.com.flex2csi.io";

/// A cluster whose nodes have the endpoint as well.
fn rig(names: &[&str]) -> Rig {
    let rig = Rig::new(names);
    {
        let mut store = rig.cluster.store();
        let nodes = store.objects.values_mut();
        for node in nodes.filter(|object| object["kind"] == "CSINode") {
            let drivers = node["spec"]["drivers"].as_array_mut().unwrap();
            drivers.push(json!({"name": ENDPOINT, "nodeID": "n"}));
        }
    }
    rig
}

fn record(rig: &Rig, name: &str) -> Value {
    let store = rig.cluster.store();
    let record = store.get(MIGRATIONS, "", &format!("pv-pv-{name}"));
    record.unwrap()["spec"].clone()
}

#[track_caller]
fn assert_driver(rig: &Rig, name: &str, driver: &str) {
    let csi = rig.volume(name)["spec"]["csi"].clone();
    assert_eq!(csi["driver"], driver);
    assert_eq!(csi["volumeHandle"], format!("vol-{name}"));
    let source = &csi["volumeAttributes"]["flex2csi.io/source"];
    assert_eq!(source.is_string(), driver == ENDPOINT, "{csi}");
}

fn is_via_endpoint(rig: &Rig) {
    rig.run(&["rewrite", "--all", "--via-endpoint", "--yes"])
        .ended(0)
        .said("2 done");
    assert_driver(rig, "a", ENDPOINT);
}

#[test]
fn a_volume_of_the_endpoint_goes_on_to_its_backend_and_back_to_its_original() {
    let rig = rig(&["a", "b"]);
    rig.run(&["plan", "--via-endpoint"]).ended(0).said("ready");
    is_via_endpoint(&rig);
    // So told, they stay where they are.
    rig.run(&["plan", "--via-endpoint"])
        .ended(0)
        .said("Nothing in legacy form was found. 2 volumes are CSI already");
    rig.run(&["rewrite", "--all", "--via-endpoint", "--yes"])
        .ended(0)
        .said("0 done");

    let plan = rig.plan();
    rig.run(&["rewrite", "--plan", &plan, "--diff"])
        .ended(0)
        .said(ENDPOINT);
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(0)
        .said("2 done");
    for name in ["a", "b"] {
        rig.assert_rewritten(name);
        assert_driver(&rig, name, BACKEND);
        assert_eq!(rig.deletions(name), 2);
        let record = record(&rig, name);
        let original = record["original"].as_str().unwrap();
        assert!(original.contains("awsElasticBlockStore"));
        assert!(record["from"].as_str().unwrap().contains(ENDPOINT));
    }
    rig.assert_claims();
    rig.run(&["rewrite", "--plan", &plan, "--yes"])
        .ended(0)
        .said("2 done before");

    rig.run(&["rollback", "--all", "--diff"])
        .ended(0)
        .said("awsElasticBlockStore");
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    for name in ["a", "b"] {
        rig.assert_original(name);
        assert_eq!(rig.phase(name), "RolledBack");
    }
    rig.assert_claims();
    // From there all begins anew.
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    assert_driver(&rig, "a", BACKEND);
    assert!(record(&rig, "a")["from"].is_null());
}

/// A plan tells of one form: nothing is done with it for the other one.
#[test]
fn a_plan_for_the_other_form_is_refused() {
    let rig = rig(&["a", "b"]);
    let (with, without) = (rig.file("with.yaml"), rig.file("without.yaml"));
    let planned = |path: &str, more: &[&str]| {
        rig.run(&[&["plan", "--out", path], more].concat()).ended(0);
    };
    // Of the originals, and then of the endpoint's.
    for has_endpoint in [false, true] {
        planned(&with, &["--via-endpoint"]);
        planned(&without, &[]);
        let writes = rig.cluster.writes().len();
        for yes in [&["--yes"][..], &["--diff"], &[]] {
            rig.run(&[&["rewrite", "--plan", &with], yes].concat())
                .ended(2)
                .said("was made with --via-endpoint, which is not given now")
                .said("give --via-endpoint, or plan again without it");
            let other = ["rewrite", "--via-endpoint", "--plan", &without];
            rig.run(&[&other, yes].concat())
                .ended(2)
                .said("was made without --via-endpoint, which is given now")
                .said("leave it out, or plan again with it");
        }
        assert_eq!(rig.cluster.writes().len(), writes);
        if !has_endpoint {
            is_via_endpoint(&rig);
        }
    }
    // Either is good for the way back.
    rig.run(&["rollback", "--plan", &without, "--yes"]).ended(0);
    rig.assert_original("a");
}

/// The plan was for the endpoint's form, and somebody has gone further since.
#[test]
fn what_has_become_something_else_than_was_planned_is_not_said_to_be_done() {
    let rig = rig(&["a", "b"]);
    let with = rig.file("with.yaml");
    rig.run(&["plan", "--via-endpoint", "--out", &with])
        .ended(0);
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    let rest: &[&str] = &["--plan", &with, "--via-endpoint", "--yes"];
    rig.run(&[&["rewrite"], rest].concat())
        .ended(1)
        .said(
            "PersistentVolume pv-a has become ebs.csi.aws.com's, not ebs.csi.aws.com.flex2csi.io's",
        )
        .said("rewrite: 1 done, 1 failed");
    assert_driver(&rig, "a", BACKEND);
    assert_driver(&rig, "b", ENDPOINT);
}

/// Left half-way, it ends either way.
#[test]
fn the_second_rewrite_ends_right_from_half_way() {
    let refusals: [&[&str]; 4] = [
        &["PATCH", VOLUMES],
        &["DELETE", VOLUMES],
        &["POST", VOLUMES],
        &["PATCH", "persistentvolumeclaims/a"],
    ];
    std::thread::scope(|scope| {
        for has in refusals {
            scope.spawn(move || {
                for verb in ["rewrite", "rollback"] {
                    let rig = rig(&["a", "b"]);
                    is_via_endpoint(&rig);
                    let has: Vec<&'static str> = has
                        .iter()
                        .map(|text| -> &'static str { String::leak((*text).to_owned()) })
                        .collect();
                    let refused = Act::Refuse(403, "you cannot do that");
                    rig.cluster
                        .rule(Rule::always(&has, refused).but(&["dryRun"]));
                    rig.run(&["rewrite", "--pv", "pv-a", "--yes"])
                        .ended(1)
                        .said("you cannot do that");
                    rig.cluster.no_rules();
                    rig.run(&[verb, "--pv", "pv-a", "--yes"]).ended(0);
                    match verb {
                        "rewrite" => assert_driver(&rig, "a", BACKEND),
                        _ => rig.assert_original("a"),
                    }
                    rig.assert_claims();
                    assert_driver(&rig, "b", ENDPOINT);
                }
            });
        }
    });
}
