//! `--create-secrets`.

use serde_json::{Value, json};

use super::cluster::{Act, Rule};
use super::rig::{CREDENTIAL, Rig, pair};
use super::store::{CLAIMS, VOLUMES};

const SECRETS: &str = "/api/v1/secrets";
const DRIVER: &str = "ossplugin.csi.alibabacloud.com";

/// A volume `o` whose keys stand in its options, and the driver that wants them in a
/// Secret.
fn rig() -> Rig {
    let rig = Rig::new(&["a"]);
    let [mut volume, claim] = pair("o");
    let spec = volume["spec"].as_object_mut().unwrap();
    spec.remove("awsElasticBlockStore");
    spec.insert(
        "flexVolume".into(),
        json!({"driver": "alicloud/oss", "options": {
            "bucket": "b", "url": "oss.example", "akId": "my-id", "akSecret": CREDENTIAL,
        }}),
    );
    let mut store = rig.cluster.store();
    store.put(VOLUMES, volume);
    store.put(CLAIMS, claim);
    let nodes: Vec<Value> = store
        .list("/apis/storage.k8s.io/v1/csinodes")
        .into_iter()
        .cloned()
        .collect();
    for mut node in nodes {
        let drivers = node["spec"]["drivers"].as_array_mut().unwrap();
        drivers.push(json!({"name": DRIVER, "nodeID": "n"}));
        store.put("/apis/storage.k8s.io/v1/csinodes", node);
    }
    drop(store);
    rig
}

fn secret(rig: &Rig) -> Value {
    let store = rig.cluster.store();
    let secret = store.get(SECRETS, "shop", "pv-o-csi");
    secret.unwrap_or(&Value::Null).clone()
}

fn handle(rig: &Rig) -> Value {
    rig.volume("o")["spec"]["csi"]["volumeHandle"].clone()
}

#[test]
fn a_secret_that_a_volume_waits_for_is_made_first_if_asked_for() {
    let rig = rig();
    // The rig looks for the credential in all that is said.
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("rewrite: 1 done")
        .said("not touched: 1 blocked");
    assert!(secret(&rig).is_null());
    let args = ["rewrite", "--all", "--create-secrets"];
    rig.run(&args)
        .ended(0)
        .said("with --yes the Secrets of 1 come first");
    assert!(secret(&rig).is_null());
    rig.run(&[&args[..], &["--yes"]].concat())
        .ended(0)
        .said("Secret shop/pv-o-csi: created")
        .said("rewrite: 1 done");
    assert_eq!(secret(&rig)["stringData"]["akSecret"], CREDENTIAL);
    assert_eq!(handle(&rig), "pv-o");
    rig.assert_claims();
    // It stays when the original is back, and is left as it is.
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    let there = secret(&rig);
    assert!(!there.is_null());
    rig.run(&[&args[..], &["--yes"]].concat()).ended(0);
    assert_eq!(secret(&rig), there);
}

#[test]
fn a_plan_whose_volumes_wait_for_secrets_can_be_done_with_it() {
    let rig = rig();
    let plan = rig.plan();
    rig.run(&["rewrite", "--plan", &plan, "--create-secrets", "--yes"])
        .ended(0)
        .said("rewrite: 2 done");
    assert_eq!(handle(&rig), "pv-o");
}

#[test]
fn who_may_not_make_it_is_told_so_and_the_rest_is_done() {
    let rig = rig();
    let post = ["POST", "/namespaces/shop/secrets"];
    rig.cluster
        .rule(Rule::always(&post, Act::Refuse(403, "no-such-right")));
    rig.run(&["rewrite", "--all", "--create-secrets", "--yes"])
        .ended(1)
        .said("failed: the Secret of PersistentVolume pv-o")
        .said("no-such-right")
        .said("rewrite: 1 done, 1 failed");
    rig.assert_rewritten("a");
    assert!(handle(&rig).is_null());
}
