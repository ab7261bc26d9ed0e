//! Volumes that the original driver has, or may have, on another node.

use flex2csi::attachment::{AttachError, Attacher};
use flex2csi::cluster::Why;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::rig::*;

fn minutes_ago(minutes: i64) -> String {
    let then = Timestamp::now() - SignedDuration::from_mins(minutes);
    then.to_string()
}

/// What the daemon of a node said at a time: that its original driver has these.
fn says(server: &ApiServer, node: &str, said: &str, volumes: &[&str]) {
    let entry = |pv: &&str| json!({ "driver": "a.io/b", "pv": pv, "podUID": "u" });
    let object = json!({
        "metadata": { "name": node },
        "bootID": "x", "version": "0.1.0", "renewTime": said, "renewSeconds": 30,
        "counts": { "shim": 0, "detaching": 0, "original": volumes.len() },
        "shim": [],
        "original": volumes.iter().map(entry).collect::<Vec<_>>(),
    });
    let path = format!("/apis/flex2csi.io/v1alpha1/nodevolumes/{node}");
    server.put(&path, object);
}

fn ready(status: &str, reason: &str, heard: &str) -> Value {
    json!([{ "type": "Ready", "status": status, "reason": reason, "lastHeartbeatTime": heard }])
}

fn node(server: &ApiServer, name: &str, conditions: Value) {
    let node = json!({ "metadata": { "name": name }, "status": { "conditions": conditions } });
    server.put(&format!("/api/v1/nodes/{name}"), node);
}

/// Node b, where the volume is to be attached, and node a.
fn two_nodes() -> ApiServer {
    let server = ApiServer::new();
    for name in ["a", "b"] {
        node(
            &server,
            name,
            ready("True", "KubeletReady", &minutes_ago(1)),
        );
        says(&server, name, &minutes_ago(0), &[]);
    }
    server
}

fn taint(server: &ApiServer, name: &str) {
    server.edit(&format!("/api/v1/nodes/{name}"), |node| {
        let taint = json!([{ "key": "node.kubernetes.io/out-of-service", "effect": "NoExecute" }]);
        node["spec"] = json!({ "taints": taint });
    });
}

/// Why it is not attached to node b; nothing is made then.
async fn refused(server: &ApiServer) -> (Why, String) {
    let error = attacher(server, "b").attach(&wanted()).await.unwrap_err();
    let message = error.to_string();
    let AttachError::Original { on, .. } = error else {
        panic!("{message}");
    };
    assert_eq!(on.node, "a");
    assert_eq!(server.paths(LEASES), [""; 0]);
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
    (on.why, message)
}

#[tokio::test(start_paused = true)]
async fn what_the_original_has_on_another_node_is_not_attached_here() {
    let server = two_nodes();
    says(&server, "a", &minutes_ago(0), &["pv-0", "pv-1"]);
    let (why, message) = refused(&server).await;
    assert_eq!(why, Why::Said);
    assert!(message.contains("out-of-service"), "{message}");
    // Also when that was said long ago: nobody says that it is unmounted.
    says(&server, "a", &minutes_ago(60), &["pv-1"]);
    assert_eq!(refused(&server).await.0, Why::Said);
    says(&server, "a", &minutes_ago(0), &["pv-0"]);
    attached(&server, "b").await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_let_go_of_is_not_taken_either() {
    let server = two_nodes();
    attached(&server, "b").await;
    attacher(&server, "b").detach(&volume()).await.unwrap();
    drive(&server);
    says(&server, "a", &minutes_ago(0), &["pv-1"]);
    let error = attacher(&server, "b").attach(&wanted()).await.unwrap_err();
    assert!(matches!(error, AttachError::Original { .. }), "{error}");
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_this_nodes_or_shared_or_of_a_dead_node_is() {
    let server = two_nodes();
    says(&server, "b", &minutes_ago(0), &["pv-1"]);
    attached(&server, "b").await;

    let server = two_nodes();
    says(&server, "a", &minutes_ago(0), &["pv-1"]);
    let (attacher, mut wanted) = (attacher(&server, "b"), wanted());
    wanted.is_shared = true;
    tokio::select! {
        done = attacher.attach(&wanted) => drop(done.unwrap()),
        () = driver(server.clone()) => {}
    }

    let server = two_nodes();
    says(&server, "a", &minutes_ago(0), &["pv-1"]);
    taint(&server, "a");
    attached(&server, "b").await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fell_silent_without_a_word_may_have_it() {
    let server = two_nodes();
    node(
        &server,
        "a",
        ready("Unknown", "NodeStatusUnknown", &minutes_ago(10)),
    );
    says(&server, "a", &minutes_ago(60), &[]);
    let (why, message) = refused(&server).await;
    assert_eq!(why, Why::Silent);
    assert!(
        message.contains("nothing is heard of that node"),
        "{message}"
    );
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    assert_eq!(refused(&server).await.0, Why::Silent);
    taint(&server, "a");
    attached(&server, "b").await;
}

#[tokio::test(start_paused = true)]
async fn one_whose_daemon_spoke_to_the_last_has_not() {
    let server = two_nodes();
    node(
        &server,
        "a",
        ready("Unknown", "NodeStatusUnknown", &minutes_ago(10)),
    );
    says(&server, "a", &minutes_ago(11), &["pv-0"]);
    attached(&server, "b").await;

    // And one that never was there.
    let server = two_nodes();
    node(
        &server,
        "a",
        ready("Unknown", "NodeStatusNeverUpdated", &minutes_ago(10)),
    );
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    attached(&server, "b").await;
}

#[tokio::test(start_paused = true)]
async fn where_no_daemon_runs_the_pods_tell() {
    let server = two_nodes();
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    let claim = json!({ "namespace": "apps", "name": "data" });
    let pv = json!({ "metadata": { "name": "pv-1" }, "spec": { "claimRef": claim } });
    server.put("/api/v1/persistentvolumes/pv-1", pv);
    let pod = |claim: &str, node: &str| {
        let volume = json!({ "name": "v", "persistentVolumeClaim": { "claimName": claim } });
        let pod = json!({
            "metadata": { "name": "web-0", "namespace": "apps" },
            "spec": { "nodeName": node, "volumes": [{ "name": "x", "emptyDir": {} }, volume] },
        });
        server.put("/api/v1/namespaces/apps/pods/web-0", pod);
    };
    pod("data", "a");
    let (why, message) = refused(&server).await;
    assert_eq!(why, Why::Pod("apps/web-0".into()));
    assert!(message.contains("start the node daemon there"), "{message}");
    pod("data", "b");
    attached(&server, "b").await;

    let server = two_nodes();
    server.remove("/apis/flex2csi.io/v1alpha1/nodevolumes/a");
    attached(&server, "b").await;
}
