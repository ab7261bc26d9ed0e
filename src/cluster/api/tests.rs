use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::cluster::VolumeSource;

/// What an API server of a test does with a request.
#[derive(Clone)]
enum Answer {
    Json(Value),
    Refusal(u16, &'static str),
    /// The connection is lost.
    Lost,
    /// Nothing is answered.
    Silence,
}

/// An API server of a test: what it answers for each path, the last for ever.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<HashMap<String, VecDeque<Answer>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn on(self, path: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), answers);
        self
    }

    fn with(self, path: &str, object: Value) -> Self {
        self.on(path, [Answer::Json(object)])
    }

    /// From now on.
    fn set(&self, path: &str, object: Value) {
        drop(self.clone().with(path, object));
    }

    fn next(&self, uri: &str) -> Answer {
        self.asked.lock().unwrap().push(uri.to_owned());
        let mut answers = self.answers.lock().unwrap();
        match answers.get_mut(uri) {
            None => Answer::Refusal(404, "NotFound"),
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(answers) => answers[0].clone(),
        }
    }

    /// How often it was asked anything.
    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn api(&self) -> Api {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                assert_eq!(request.method(), "GET");
                let answer = |code: u16, body: Value| {
                    let code = StatusCode::from_u16(code).unwrap();
                    let body = Body::from(body.to_string().into_bytes());
                    Ok(Response::builder().status(code).body(body).unwrap())
                };
                match server.next(&request.uri().to_string()) {
                    Answer::Json(body) => answer(200, body),
                    Answer::Refusal(code, reason) => {
                        let body = json!({
                            "kind": "Status", "status": "Failure", "message": "m",
                            "reason": reason, "code": code,
                        });
                        answer(code, body)
                    }
                    Answer::Lost => Err(std::io::Error::other("connection reset")),
                    Answer::Silence => std::future::pending().await,
                }
            }
        });
        Api::new(Client::new(service, "default"), "n-1")
    }
}

const NODE: &str = "/api/v1/nodes/n-1";
const POD: &str = "/api/v1/namespaces/shop/pods/web";
const CLAIM: &str = "/api/v1/namespaces/shop/persistentvolumeclaims/data";
const PV: &str = "/api/v1/persistentvolumes/pv-1";
const CLASS: &str = "/apis/storage.k8s.io/v1/storageclasses/fast";
const SECRET: &str = "/api/v1/namespaces/shop/secrets/s";
const DRIVER: &str = "/apis/storage.k8s.io/v1/csidrivers/d";
const PVS: &str = "/api/v1/persistentvolumes?&limit=500";

fn pod_name() -> PodName {
    PodName {
        namespace: "shop".into(),
        name: "web".into(),
        uid: "u-pod".into(),
    }
}

fn volume_id() -> VolumeId {
    VolumeId {
        driver: "d".into(),
        handle: "h".into(),
    }
}

fn secret_name() -> SecretName {
    SecretName {
        namespace: "shop".into(),
        name: "s".into(),
    }
}

async fn secret_of(server: &Server) -> Result<SecretValues, String> {
    let values = server.api().secret(&secret_name()).await;
    values.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_call_becomes_the_volume_as_it_is_stored() {
    let pv = json!({
        "metadata": {"name": "pv-1"},
        "spec": {
            "claimRef": {"namespace": "shop", "name": "data", "uid": "u-data"},
            "storageClassName": "fast",
            "flexVolume": {"driver": "example.com/d", "options": {"pool": "a"}},
            "fieldOfTheFuture": {"a": 1},
        },
    });
    let server = Server::default()
        .with(
            POD,
            json!({
                "metadata": {"uid": "u-pod"},
                "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
            }),
        )
        .with(CLAIM, json!({"metadata": {"uid": "u-data"}, "spec": {"volumeName": "pv-1"}}))
        .with(PV, pv.clone())
        .with(CLASS, json!({"metadata": {"name": "fast"}}));
    let called = CalledVolume {
        pod: pod_name(),
        volume: "pv-1".into(),
        driver: "example.com/d".into(),
        options: BTreeMap::from([("pool".into(), "a".into())]),
    };
    let found = server.api().volume(&called).await.unwrap();
    let source = VolumeSource::PersistentVolume {
        json: pv.to_string(),
        storage_class: Some(json!({"metadata": {"name": "fast"}}).to_string()),
    };
    assert_eq!(found.source, source);
    assert_eq!(*server.asked.lock().unwrap(), [POD, PV, CLAIM, CLASS]);
}

#[tokio::test]
async fn a_secret_is_read() {
    let server = Server::default().with(SECRET, json!({"data": {"k": "dg=="}}));
    let values = secret_of(&server).await.unwrap().0;
    assert_eq!(values, BTreeMap::from([("k".into(), b"v".to_vec())]));
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again() {
    let there = Answer::Json(json!({"data": {}}));
    for trouble in [
        Answer::Refusal(429, "TooManyRequests"),
        Answer::Refusal(500, "InternalError"),
        Answer::Refusal(503, "ServiceUnavailable"),
        Answer::Lost,
    ] {
        let answers = [trouble.clone(), trouble, there.clone()];
        let server = Server::default().on(SECRET, answers);
        secret_of(&server).await.unwrap();
        assert_eq!(server.count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_unavailable_in_time() {
    let began = tokio::time::Instant::now();
    for (trouble, reason) in [
        (Answer::Refusal(503, "ServiceUnavailable"), "m"),
        (
            Answer::Lost,
            "the API server does not answer: connection reset",
        ),
        (Answer::Silence, "the API server did not answer within 10 s"),
    ] {
        let server = Server::default().on(SECRET, [trouble]);
        assert_eq!(
            secret_of(&server).await.unwrap_err(),
            format!("Secret shop/s cannot be looked up: {reason}; it is tried again")
        );
    }
    assert!(began.elapsed() <= 3 * fetch::DEADLINE + std::time::Duration::from_secs(1));
    // The trouble is said that there was before the silence.
    let answers = [Answer::Refusal(503, "ServiceUnavailable"), Answer::Silence];
    let server = Server::default().on(SECRET, answers);
    let error = secret_of(&server).await.unwrap_err();
    assert!(error.contains("looked up: m;"), "{error}");
}

#[tokio::test]
async fn what_lasts_is_said_at_once() {
    for (code, reason) in [(403, "Forbidden"), (404, "NotFound"), (400, "BadRequest")] {
        let server = Server::default().on(SECRET, [Answer::Refusal(code, reason)]);
        secret_of(&server).await.unwrap_err();
        assert_eq!(server.count(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_csi_driver_is_remembered_for_half_a_minute() {
    let server = Server::default().with(DRIVER, json!({"spec": {"attachRequired": false}}));
    let api = server.api();
    for _ in 0..3 {
        assert!(!api.csi_driver("d").await.unwrap().attach_required);
    }
    assert_eq!(server.count(), 1);
    server.set(DRIVER, json!({"spec": {"attachRequired": true}}));
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert!(api.csi_driver("d").await.unwrap().attach_required);
    let default = api.csi_driver("other").await.unwrap();
    assert_eq!(default, CsiDriver::default());
}

#[tokio::test(start_paused = true)]
async fn a_csi_driver_that_cannot_be_had_has_no_defaults() {
    for trouble in [Answer::Refusal(403, "Forbidden"), Answer::Silence] {
        let server = Server::default().on(DRIVER, [trouble]);
        server.api().csi_driver("d").await.unwrap_err();
    }
}

/// Each row: the node's and the pod's answers, and whether the volume is held.
#[tokio::test(start_paused = true)]
async fn a_volume_is_held_unless_everything_says_otherwise() {
    let idle = || Answer::Json(json!({"status": {"volumesInUse": ["kubernetes.io/csi/d^other"]}}));
    let uses = Answer::Json(json!({"status": {"volumesInUse": ["kubernetes.io/csi/d^h"]}}));
    let pod = |metadata: Value, phase: &str| {
        Answer::Json(json!({"metadata": metadata, "status": {"phase": phase}}))
    };
    let gone = || Answer::Refusal(404, "NotFound");
    let forbidden = || Answer::Refusal(403, "Forbidden");
    let ends = json!({"uid": "u-pod", "deletionTimestamp": "2026-01-01T00:00:00Z"});
    let rows = [
        (uses, gone(), true),
        (idle(), gone(), false),
        (idle(), pod(json!({"uid": "u-pod"}), "Running"), true),
        (idle(), pod(json!({"uid": "u-pod"}), "Pending"), true),
        (idle(), pod(json!({"uid": "u-pod"}), "Succeeded"), false),
        (idle(), pod(json!({"uid": "u-pod"}), "Failed"), false),
        (idle(), pod(ends, "Running"), false),
        // Another pod that has the name.
        (idle(), pod(json!({"uid": "u-new"}), "Running"), false),
        (Answer::Json(json!({})), gone(), false),
        (forbidden(), gone(), true),
        (Answer::Silence, gone(), true),
        (gone(), gone(), true),
        (idle(), forbidden(), true),
        (idle(), Answer::Silence, true),
        (idle(), Answer::Json(json!([])), true),
    ];
    for (number, (node, pod, expected)) in rows.into_iter().enumerate() {
        let server = Server::default().on(NODE, [node]).on(POD, [pod]);
        let held = server.api().holds(&volume_id(), &[pod_name()]).await;
        assert_eq!(held.unwrap(), expected, "row {number}");
    }
}

#[tokio::test]
async fn a_node_says_what_it_uses_and_whether_it_is_given_up() {
    let node = json!({
        "metadata": {
            "uid": "u-node",
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {"taints": [
            {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"},
        ]},
        "status": {
            "volumesInUse": ["example.com/d/pv-1"],
            "volumesAttached": [{"name": "kubernetes.io/csi/d^h", "devicePath": ""}],
        },
    });
    let server = Server::default()
        .with(NODE, node)
        .with("/api/v1/nodes/n-2", json!({}));
    let api = server.api();
    let node = api.node("n-1").await.unwrap();
    assert!(node.uses("example.com/d/pv-1") && !node.uses(&volume_id().unique_name()));
    assert!(node.is_out_of_service() && node.controller_attaches());
    assert_eq!(node.metadata.uid, "u-node");
    let held: Vec<&str> = node.held().collect();
    assert_eq!(held, ["example.com/d/pv-1", "kubernetes.io/csi/d^h"]);
    let bare = api.node("n-2").await.unwrap();
    assert!(!bare.is_out_of_service() && bare.held().next().is_none());
    let missing = api.node("n-3").await.unwrap_err();
    assert!(matches!(missing, ClusterError::NotFound { .. }));
}

/// A page, with the token of the next.
fn page(items: Value, next: &str) -> Value {
    json!({"metadata": {"continue": next}, "items": items})
}

fn csi_pv(name: &str, handle: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"csi": {"driver": "d", "volumeHandle": handle}}})
}

#[tokio::test]
async fn pods_of_a_node_are_shown_page_by_page() {
    let first = "/api/v1/pods?&fieldSelector=spec.nodeName%3Dn-1&limit=500";
    let pods = |name: &str| json!([{"metadata": {"name": name}}]);
    let server = Server::default()
        .with(first, page(pods("a"), "next"))
        .with(&format!("{first}&continue=next"), page(pods("b"), ""));
    let mut seen = Vec::new();
    let shown = server
        .api()
        .pods_of_node("n-1", |pod| seen.push(pod.to_owned()))
        .await;
    shown.unwrap();
    assert_eq!(
        seen,
        [
            r#"{"metadata":{"name":"a"}}"#,
            r#"{"metadata":{"name":"b"}}"#
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_found_on_any_page_and_a_listing_is_shared() {
    let flex = json!({"metadata": {"name": "flex"}, "spec": {"flexVolume": {"driver": "a/d"}}});
    let other =
        json!({"metadata": {"name": "o"}, "spec": {"csi": {"driver": "e", "volumeHandle": "h"}}});
    let server = Server::default()
        .with(PVS, page(json!([flex, other, csi_pv("a", "h-a")]), "more"))
        .with(
            &format!("{PVS}&continue=more"),
            page(json!([csi_pv("b", "h-b")]), ""),
        );
    let api = server.api();
    let with = async |handle: &str| {
        let volume = VolumeId {
            driver: "d".into(),
            handle: handle.into(),
        };
        api.csi_volume_with(&volume).await.unwrap()
    };
    let (first, second) = tokio::join!(with("h"), with("h-c"));
    assert_eq!((first, second), (None, None));
    assert_eq!(server.count(), 2, "{:?}", server.asked);
    // What may be there is looked for again: it has to have a name.
    assert_eq!(with("h-b").await.as_deref(), Some("b"));
    assert_eq!(with("h-a").await.as_deref(), Some("a"));
    server.set(PVS, page(json!([csi_pv("c", "h-c")]), ""));
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert_eq!(with("h-c").await.as_deref(), Some("c"));
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    assert!(api.handles.is_empty().await, "it gives its memory back");
}

#[tokio::test]
async fn a_listing_that_failed_is_no_answer_and_is_not_shared() {
    let answers = [
        Answer::Refusal(403, "Forbidden"),
        Answer::Refusal(410, "Expired"),
        Answer::Json(json!({"items": "none"})),
        Answer::Json(page(json!([csi_pv("a", "h")]), "")),
    ];
    let server = Server::default().on(PVS, answers);
    let api = server.api();
    for expected in [
        "flex2csi may not read the list of PersistentVolumes: m; give its service account that right",
        "the list of PersistentVolumes cannot be looked up: m; it is tried again",
    ] {
        let error = api.csi_volume_with(&volume_id()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = api.csi_volume_with(&volume_id()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unreadable { .. }), "{error}");
    let found = api.csi_volume_with(&volume_id()).await.unwrap();
    assert_eq!(found.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_listing_shares_its_failure() {
    let server = Server::default().on(PVS, [Answer::Silence]);
    let api = server.api();
    let began = tokio::time::Instant::now();
    let volume = volume_id();
    let ask = || api.csi_volume_with(&volume);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    for answer in [a, b, c] {
        let error = answer.unwrap_err();
        assert!(matches!(error, ClusterError::Unavailable { .. }), "{error}");
    }
    assert_eq!(server.count(), 1);
    assert!(began.elapsed() <= fetch::DEADLINE + std::time::Duration::from_secs(1));
    // Who comes later asks again.
    server.set(PVS, page(json!([]), ""));
    assert_eq!(ask().await, Ok(None));
}
