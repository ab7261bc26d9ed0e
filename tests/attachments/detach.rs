//! Detaching.

use std::sync::Arc;
use std::time::Duration;

use flex2csi::attachment::{AttachError, Attacher, Detached, VolumeAttachments};
use serde_json::json;

use crate::api_server::{ApiServer, Fate};
use crate::rig::*;

async fn detach(server: &ApiServer) -> Result<Detached, AttachError> {
    attacher(server, "a").detach(&volume()).await
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_kept_until_the_driver_has_detached() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    assert_eq!(detach(&server).await.unwrap(), Detached::UnderWay);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(server.get(&attachment("a")).is_some());
    assert!(server.get(&lease()).is_some());
    // Once more: nothing new.
    assert_eq!(detach(&server).await.unwrap(), Detached::UnderWay);
    drive(&server);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(server.get(&attachment("a")).is_none());
    assert!(server.get(&lease()).is_none());
    assert_eq!(detach(&server).await.unwrap(), Detached::Gone);
}

#[tokio::test(start_paused = true)]
async fn so_is_a_shared_volumes() {
    let server = ApiServer::new();
    let (attacher, mut wanted) = (attacher(&server, "a"), wanted());
    wanted.is_shared = true;
    tokio::select! {
        done = attacher.attach(&wanted) => drop(done.unwrap()),
        () = driver(server.clone()) => unreachable!(),
    }
    assert_eq!(detach(&server).await.unwrap(), Detached::UnderWay);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(server.get(&shared_lease("a")).is_some());
    drive(&server);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(server.get(&shared_lease("a")).is_none());
}

#[tokio::test(start_paused = true)]
async fn another_nodes_is_left_alone() {
    let server = ApiServer::new();
    attached(&server, "b").await;
    let before = server.get(&lease());
    assert_eq!(detach(&server).await.unwrap(), Detached::Gone);
    assert_eq!(server.paths(ATTACHMENTS), [attachment("b")]);
    assert_eq!(server.get(&lease()), before);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_was_rewritten_is_the_attach_detach_controllers() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    put_volume(&server, "pv-1", Some("data"));
    let before = server.get(&attachment("a"));
    assert_eq!(detach(&server).await.unwrap(), Detached::Adopted);
    assert_eq!(server.get(&attachment("a")), before);
}

#[tokio::test(start_paused = true)]
async fn so_is_one_that_a_pin_has() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    put_volume(&server, "pin-0", Some("pin"));
    assert_eq!(detach(&server).await.unwrap(), Detached::Adopted);
    assert!(server.get(&attachment("a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn so_is_one_that_it_made_itself() {
    let server = ApiServer::new();
    let source = json!({ "persistentVolumeName": "pv-1" });
    let spec = json!({ "attacher": DRIVER, "nodeName": "a", "source": source });
    server.put(&attachment("a"), json!({ "spec": spec }));
    assert_eq!(detach(&server).await.unwrap(), Detached::Adopted);
    let after = server.get(&attachment("a")).unwrap();
    assert!(after["metadata"]["deletionTimestamp"].is_null(), "{after}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_it_is_not_known_whose_the_volume_is() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    let attacher = VolumeAttachments::new(server.client(), Arc::new(Unknown), settings("a"));
    let before = (server.get(&attachment("a")), server.get(&lease()));
    attacher.detach(&volume()).await.unwrap_err();
    assert_eq!((server.get(&attachment("a")), server.get(&lease())), before);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_said() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    server.fates(|_| Fate::Refused(503));
    let error = detach(&server).await.unwrap_err();
    assert!(matches!(error, AttachError::Unavailable { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_detached_is_not_used_again() {
    // The driver has it attached still, and says so.
    let server = ApiServer::new();
    attached(&server, "a").await;
    let before = server.get(&attachment("a")).unwrap();
    // The daemon died after it had marked the Lease.
    let mut writes = 0;
    server.fates(move |request| {
        writes += usize::from(request.starts_with("DELETE"));
        if writes == 1 {
            Fate::Lost
        } else {
            Fate::Answered
        }
    });
    let cut = tokio::time::timeout(Duration::from_secs(1), detach(&server)).await;
    assert!(cut.is_err(), "{cut:?}");
    server.fates(|_| Fate::Answered);
    attached(&server, "a").await;
    let after = server.get(&attachment("a")).unwrap();
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    // What looked after the old one does not take the Lease from the new one.
    tokio::time::sleep(Duration::from_secs(900)).await;
    assert_eq!(server.get(&lease()).unwrap()["spec"]["holderIdentity"], "a");
}
