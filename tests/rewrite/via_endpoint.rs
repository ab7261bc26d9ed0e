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
