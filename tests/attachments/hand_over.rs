//! Leaving attachments of volumes that stay mounted to the attach/detach controller.

use std::sync::Arc;

use flex2csi::attachment::{AttachError, Attacher, VolumeAttachments};
use serde_json::{Value, json};

use crate::api_server::{ApiServer, Fate};
use crate::rig::*;

async fn hand_over(server: &ApiServer) -> Result<bool, AttachError> {
    attacher(server, "a").hand_over(&volume()).await
}

fn all(server: &ApiServer) -> (Option<Value>, Option<Value>) {
    (server.get(&attachment("a")), server.get(&lease()))
}

/// Only the Lease is another one: it says that this node does not need it any more.
fn assert_left(server: &ApiServer, before: (Option<Value>, Option<Value>)) {
    let (attachment, lease) = all(server);
    assert_eq!(attachment, before.0);
    assert_ne!(lease, before.1);
    let annotations = &lease.unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["flex2csi.io/released"], "true");
}

#[tokio::test(start_paused = true)]
async fn a_rewritten_volumes_is_left_and_never_deleted() {
    for name in ["pv-1", "pin-0"] {
        let server = ApiServer::new();
        attached(&server, "a").await;
        put_volume(&server, name, Some("data"));
        let before = all(&server);
        assert!(hand_over(&server).await.unwrap());
        assert_left(&server, before);
        // Nor the next time.
        let before = all(&server);
        assert!(hand_over(&server).await.unwrap());
        assert_eq!(all(&server), before);
    }
}

#[tokio::test(start_paused = true)]
async fn so_is_one_that_the_attach_detach_controller_made() {
    let server = ApiServer::new();
    let source = json!({ "persistentVolumeName": "pv-1" });
    let spec = json!({ "attacher": DRIVER, "nodeName": "a", "source": source });
    server.put(&attachment("a"), json!({ "spec": spec }));
    let before = all(&server);
    assert!(hand_over(&server).await.unwrap());
    assert_eq!(all(&server), before);
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_else_answers_for_is_not() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    let before = all(&server);
    assert!(!hand_over(&server).await.unwrap());
    assert_eq!(all(&server), before);
}

#[tokio::test(start_paused = true)]
async fn nor_one_that_is_gone_or_going() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    put_volume(&server, "pv-1", Some("data"));
    server.edit(&attachment("a"), |object| {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    let before = all(&server);
    assert!(!hand_over(&server).await.unwrap());
    assert_eq!(all(&server), before);
    drive(&server);
    assert_eq!(server.get(&attachment("a")), None);
    assert!(!hand_over(&server).await.unwrap());
    assert_eq!(server.get(&lease()), before.1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_changed_while_it_is_not_known_whose_the_volume_is() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    let before = all(&server);
    let unknown = VolumeAttachments::new(server.client(), Arc::new(Unknown), settings("a"));
    unknown.hand_over(&volume()).await.unwrap_err();
    server.fates(|_| Fate::Refused(503));
    let error = hand_over(&server).await.unwrap_err();
    assert!(matches!(error, AttachError::Unavailable { .. }), "{error}");
    server.fates(|_| Fate::Answered);
    assert_eq!(all(&server), before);
}
