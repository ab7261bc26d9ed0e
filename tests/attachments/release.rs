//! What the controller releases.

use std::time::Duration;

use flex2csi::release::{Releases, Settings};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::api_server::{ApiServer, Fate};
use crate::rig::*;

pub fn releases(server: &ApiServer) -> Releases {
    Releases::new(server.client(), Settings::new(NAMESPACE, "controller-0"))
}

/// What a node's daemon publishes now.
pub fn says(server: &ApiServer, node: &str, shim: Value) {
    says_at(server, node, BOOT, Timestamp::now(), shim);
}

fn says_at(server: &ApiServer, node: &str, boot: &str, at: Timestamp, shim: Value) {
    let path = format!("/apis/flex2csi.io/v1alpha1/nodevolumes/{node}");
    server.put(
        &path,
        json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
            "bootID": boot, "version": "0.1.0", "renewTime": at, "renewSeconds": 30,
            "counts": { "shim": 0, "detaching": 0, "original": 0 },
            "shim": shim, "original": [],
        }),
    );
}

fn entry(state: &str) -> Value {
    json!([{ "driver": DRIVER, "handle": HANDLE, "pv": "pv-1", "state": state }])
}

/// The volume is attached to node `a`, whose daemon says that of it.
async fn with(shim: Value) -> ApiServer {
    let server = ApiServer::new();
    attached(&server, "a").await;
    server.put("/api/v1/nodes/a", json!({}));
    says(&server, "a", shim);
    server
}

fn is_kept(server: &ApiServer) -> bool {
    let found = server.get(&attachment("a"));
    found.is_some_and(|found| found["metadata"]["deletionTimestamp"].is_null())
}

/// Whether it is kept after several rounds.
async fn is_kept_for_long(server: &ApiServer) -> bool {
    let mut releases = releases(server);
    for _ in 0..4 {
        releases.look().await;
    }
    is_kept(server)
}

#[tokio::test(start_paused = true)]
async fn what_a_node_let_go_of() {
    let server = with(entry("Detaching")).await;
    let mut releases = releases(&server);
    assert_eq!(releases.look().await.deleted, 1);
    assert!(!is_kept(&server));
    // The driver detaches; until then the Lease stays.
    let round = releases.look().await;
    assert_eq!((round.deleted, round.freed), (0, 0));
    drive(&server);
    assert_eq!(releases.look().await.freed, 1);
    assert_eq!(server.paths(LEASES), [""; 0]);
    assert_eq!(releases.look().await, flex2csi::release::Round::default());
}

#[tokio::test(start_paused = true)]
async fn not_what_a_node_uses_in_any_way() {
    for state in ["Mounting", "Mounted", "Unmounting", "SomethingNew"] {
        assert!(is_kept_for_long(&with(entry(state)).await).await, "{state}");
    }
    let both = json!([
        { "driver": DRIVER, "handle": HANDLE, "state": "Detaching" },
        { "driver": DRIVER, "handle": HANDLE, "state": "Mounted" },
    ]);
    assert!(is_kept_for_long(&with(both).await).await);
}

#[tokio::test(start_paused = true)]
async fn not_what_a_node_does_not_know() {
    assert!(is_kept_for_long(&with(json!([])).await).await);
}

#[tokio::test(start_paused = true)]
async fn not_while_its_node_says_nothing() {
    let server = with(entry("Detaching")).await;
    let long_ago = Timestamp::now() - k8s_openapi::jiff::SignedDuration::from_secs(91);
    says_at(&server, "a", BOOT, long_ago, entry("Detaching"));
    assert!(is_kept_for_long(&server).await);
    let ahead = Timestamp::now() + k8s_openapi::jiff::SignedDuration::from_secs(600);
    says_at(&server, "a", BOOT, ahead, entry("Detaching"));
    assert!(is_kept_for_long(&server).await);
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    assert!(is_kept_for_long(&server).await);
}

#[tokio::test(start_paused = true)]
async fn not_by_what_was_said_before_it_was_attached() {
    let server = ApiServer::new();
    server.put("/api/v1/nodes/a", json!({}));
    says(&server, "a", entry("Detaching"));
    attached(&server, "a").await;
    assert!(is_kept_for_long(&server).await);
}

#[tokio::test(start_paused = true)]
async fn not_if_the_node_attaches_it_at_the_same_time() {
    let server = with(entry("Detaching")).await;
    let writer = server.clone();
    // It writes to its Lease after the controller read it.
    server.fates(move |request| {
        if request.starts_with("GET /api/v1/nodes/") {
            writer.edit(&lease(), |_| {});
        }
        Fate::Answered
    });
    releases(&server).look().await;
    assert!(is_kept(&server));
}

#[tokio::test(start_paused = true)]
async fn a_gone_nodes_after_six_minutes() {
    let server = with(entry("Mounted")).await;
    server.remove("/api/v1/nodes/a");
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    let mut releases = releases(&server);
    for _ in 0..24 {
        releases.look().await;
        assert!(is_kept(&server));
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    assert_eq!(releases.look().await.deleted, 1);
    drive(&server);
    assert_eq!(releases.look().await.freed, 1);
    attached(&server, "b").await;
}

#[tokio::test(start_paused = true)]
async fn not_if_it_comes_back_meanwhile() {
    let server = with(entry("Mounted")).await;
    let mut releases = releases(&server);
    server.remove("/api/v1/nodes/a");
    releases.look().await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    server.put("/api/v1/nodes/a", json!({}));
    releases.look().await;
    server.remove("/api/v1/nodes/a");
    tokio::time::sleep(Duration::from_secs(300)).await;
    releases.look().await;
    assert!(is_kept(&server));
}

fn out_of_service(server: &ApiServer) {
    let taint = json!([{ "key": "node.kubernetes.io/out-of-service", "effect": "NoExecute" }]);
    server.put("/api/v1/nodes/a", json!({ "spec": { "taints": taint } }));
}

#[tokio::test(start_paused = true)]
async fn an_out_of_service_nodes_at_once() {
    let server = with(entry("Mounted")).await;
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    out_of_service(&server);
    assert_eq!(releases(&server).look().await.deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn not_if_that_node_is_alive_and_uses_it() {
    let server = with(entry("Mounted")).await;
    out_of_service(&server);
    assert!(is_kept_for_long(&server).await);
    // It falls silent, and its last words stay.
    let mut releases = releases(&server);
    releases.look().await;
    tokio::time::sleep(Duration::from_secs(91)).await;
    assert_eq!(releases.look().await.deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rewritten_volumes_that_nobody_took_over() {
    let server = with(json!([])).await;
    put_volume(&server, "pv-1", Some("data"));
    let mut releases = releases(&server);
    releases.look().await;
    assert!(is_kept(&server), "the first look is not enough");
    assert_eq!(releases.look().await.deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn not_one_that_is_taken_over() {
    for status in [
        json!({ "volumesInUse": [format!("kubernetes.io/csi/{DRIVER}^{HANDLE}")] }),
        json!({ "volumesAttached": [
            { "name": format!("kubernetes.io/csi/{DRIVER}^{HANDLE}"), "devicePath": "" },
        ] }),
    ] {
        let server = with(json!([])).await;
        put_volume(&server, "pv-1", Some("data"));
        server.put("/api/v1/nodes/a", json!({ "status": status }));
        assert!(is_kept_for_long(&server).await);
    }
}

#[tokio::test(start_paused = true)]
async fn not_one_that_a_pod_of_the_node_waits_for() {
    for state in ["[]", "Detaching"] {
        let shim = if state == "[]" {
            json!([])
        } else {
            entry(state)
        };
        let server = with(shim).await;
        put_volume(&server, "pv-1", Some("data"));
        let pod = |name: &str, claim: &str, node: &str| {
            let source = json!({ "claimName": claim });
            let volumes = json!([{ "name": "v", "persistentVolumeClaim": source }]);
            let path = format!("/api/v1/pods/{name}");
            let spec = json!({ "nodeName": node, "containers": [], "volumes": volumes });
            server.put(
                &path,
                json!({ "metadata": { "namespace": "apps" }, "spec": spec }),
            );
        };
        for number in 0..5 {
            pod(&format!("other-{number}"), "other", "a");
        }
        pod("elsewhere", "data", "b");
        pod("zz-waits", "data", "a");
        assert!(is_kept_for_long(&server).await);
        server.remove("/api/v1/pods/zz-waits");
        assert!(!is_kept_for_long(&server).await);
    }
}

#[tokio::test(start_paused = true)]
async fn not_one_that_a_pin_waits_for() {
    let server = with(entry("Detaching")).await;
    put_volume(&server, "pin-0", Some("pin"));
    let volumes = json!([{ "name": "v", "persistentVolumeClaim": { "claimName": "pin" } }]);
    let spec = json!({ "nodeName": "a", "containers": [], "volumes": volumes });
    let pod = json!({ "metadata": { "namespace": "apps" }, "spec": spec });
    server.put("/api/v1/pods/pin-0", pod);
    assert!(is_kept_for_long(&server).await);
}

#[tokio::test(start_paused = true)]
async fn what_a_node_had_before_it_was_started_anew() {
    let server = with(json!([])).await;
    says_at(&server, "a", "boot-2", Timestamp::now(), json!([]));
    let mut releases = releases(&server);
    releases.look().await;
    assert!(is_kept(&server));
    assert_eq!(releases.look().await.deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_an_attachment_of_a_node_that_does_not_know_the_volume() {
    let server = with(json!([])).await;
    server.remove(&attachment("a"));
    let mut releases = releases(&server);
    assert_eq!(releases.look().await.freed, 0);
    assert_eq!(releases.look().await.freed, 1);
}

#[tokio::test(start_paused = true)]
async fn not_a_lease_of_a_volume_that_is_just_being_attached() {
    let server = with(entry("Mounting")).await;
    server.remove(&attachment("a"));
    let mut releases = releases(&server);
    for _ in 0..4 {
        assert_eq!(releases.look().await.freed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_others() {
    let server = with(entry("Detaching")).await;
    server.edit(&attachment("a"), |object| {
        object["metadata"]["labels"] = json!({})
    });
    assert!(is_kept_for_long(&server).await);
}

#[tokio::test(start_paused = true)]
async fn nothing_while_the_api_server_does_not_say_all() {
    for away in [
        "GET /api/v1/nodes/a",
        "GET /apis/flex2csi.io/v1alpha1/nodevolumes/a",
        "GET /api/v1/persistentvolumes",
        "GET /api/v1/persistentvolumes/pv-1",
        "GET /apis/coordination.k8s.io",
    ] {
        let server = with(entry("Detaching")).await;
        server.fates(move |request| match request.starts_with(away) {
            true => Fate::Refused(503),
            false => Fate::Answered,
        });
        assert!(is_kept_for_long(&server).await, "{away}");
        server.fates(|_| Fate::Answered);
        assert!(!is_kept_for_long(&server).await, "{away}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_all_that_may_go() {
    let server = with(json!([])).await;
    let one = server.get(&attachment("a")).unwrap();
    let one_lease = server.get(&lease()).unwrap();
    let mut shim = Vec::new();
    for number in 0..7 {
        let handle = format!("many-{number}");
        let state = if number % 2 == 0 {
            "Detaching"
        } else {
            "Mounted"
        };
        shim.push(json!({ "driver": DRIVER, "handle": handle, "state": state }));
        let mut object = one.clone();
        object["spec"]["source"]["inlineVolumeSpec"]["csi"]["volumeHandle"] = json!(handle);
        server.put(&format!("{ATTACHMENTS}/many-{number}"), object);
        let mut lease = one_lease.clone();
        lease["metadata"]["annotations"]["flex2csi.io/volume-handle"] = json!(handle);
        server.put(&format!("{LEASES}/many-{number}"), lease);
    }
    says(&server, "a", json!(shim));
    let round = releases(&server).look().await;
    assert_eq!((round.deleted, round.kept), (4, 4));
}
