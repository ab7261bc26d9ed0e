//! Attaching.

use std::sync::Arc;
use std::time::Duration;

use flex2csi::attachment::{AttachError, Attacher, VolumeAttachments};
use serde_json::json;

use crate::api_server::{ApiServer, Fate};
use crate::rig::*;

#[tokio::test(start_paused = true)]
async fn the_attachment_is_made_as_kubernetes_would_and_waited_for() {
    let server = ApiServer::new();
    let attacher = attacher(&server, "a");
    let wanted = wanted();
    let context = tokio::select! {
        done = attacher.attach(&wanted) => done.unwrap(),
        () = driver(server.clone()) => unreachable!(),
    };
    assert_eq!(context["devicePath"], "/dev/vdb");
    let made = server.get(&attachment("a")).unwrap();
    assert_eq!(made["spec"]["attacher"], DRIVER);
    assert_eq!(made["spec"]["nodeName"], "a");
    let spec: serde_json::Value = serde_json::from_str(&wanted.inline_volume_spec).unwrap();
    assert_eq!(made["spec"]["source"], json!({ "inlineVolumeSpec": spec }));
    let metadata = &made["metadata"];
    assert_eq!(
        metadata["labels"]["app.kubernetes.io/managed-by"],
        "flex2csi"
    );
    assert_eq!(
        metadata["annotations"]["flex2csi.io/persistent-volume"],
        "pv-1"
    );
    let lease = server.get(&lease()).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "a");
    assert_eq!(
        lease["metadata"]["annotations"]["flex2csi.io/volume-handle"],
        HANDLE
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_is_attached_is_taken_as_it_is() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    let before = server.get(&attachment("a")).unwrap();
    let context = attacher(&server, "a").attach(&wanted()).await.unwrap();
    assert_eq!(context["devicePath"], "/dev/vdb");
    assert_eq!(server.get(&attachment("a")).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn of_two_nodes_that_race_one_gets_it() {
    let server = ApiServer::new();
    let (a, b) = (attacher(&server, "a"), attacher(&server, "b"));
    let wanted = wanted();
    let race = async { tokio::join!(a.attach(&wanted), b.attach(&wanted)) };
    let outcome = tokio::select! {
        outcome = race => outcome,
        () = driver(server.clone()) => unreachable!(),
    };
    let (winner, error) = match outcome {
        (Ok(_), Err(error)) => ("a", error),
        (Err(error), Ok(_)) => ("b", error),
        both => panic!("{both:?}"),
    };
    assert!(
        matches!(&error, AttachError::Elsewhere { node, .. } if node == winner),
        "{error}"
    );
    assert_eq!(server.paths(ATTACHMENTS), [attachment(winner)]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_volume_is_attached_to_both() {
    let server = ApiServer::new();
    let (a, b) = (attacher(&server, "a"), attacher(&server, "b"));
    let mut wanted = wanted();
    wanted.is_shared = true;
    tokio::select! {
        (a, b) = async { tokio::join!(a.attach(&wanted), b.attach(&wanted)) } => {
            a.unwrap();
            b.unwrap();
        }
        () = driver(server.clone()) => unreachable!(),
    }
    assert_eq!(server.paths(ATTACHMENTS).len(), 2);
    assert!(server.get(&shared_lease("a")).is_some());
    assert!(server.get(&shared_lease("b")).is_some());
    assert!(server.get(&lease()).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_next_node_waits_until_the_last_one_is_detached() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    attacher(&server, "a").detach(&volume()).await.unwrap();
    let (b, wanted) = (attacher(&server, "b"), wanted());
    let mut attaching = b.attach(&wanted);
    let early = tokio::time::timeout(Duration::from_secs(5), &mut attaching).await;
    assert!(early.is_err(), "{early:?}");
    assert!(server.get(&attachment("b")).is_none());
    tokio::select! {
        done = attaching => drop(done.unwrap()),
        () = driver(server.clone()) => unreachable!(),
    }
    assert_eq!(server.paths(ATTACHMENTS), [attachment("b")]);
    assert_eq!(server.get(&lease()).unwrap()["spec"]["holderIdentity"], "b");
}

async fn fails_with(server: &ApiServer) -> String {
    let error = attacher(server, "a").attach(&wanted()).await.unwrap_err();
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_fails_is_given_time_and_then_named() {
    let server = ApiServer::new();
    let (attacher, wanted) = (attacher(&server, "a"), wanted());
    let mut attaching = attacher.attach(&wanted);
    let fail = |message: &str| {
        server.edit(&attachment("a"), |object| {
            object["status"] = json!({ "attached": false, "attachError": { "message": message } });
        });
    };
    let early = tokio::time::timeout(Duration::from_secs(5), &mut attaching).await;
    assert!(early.is_err(), "{early:?}");
    fail("the disk is busy");
    let early = tokio::time::timeout(Duration::from_secs(60), &mut attaching).await;
    assert!(early.is_err(), "{early:?}");
    fail("the disk is gone");
    let error = attaching.await.unwrap_err();
    assert!(matches!(&error, AttachError::Refused { reason, .. } if reason == "the disk is gone"));
    // It stays for the driver to go on with, and for the next try.
    drive(&server);
    attacher.attach(&wanted).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_full_is_said_to_be_full() {
    for status in [
        json!({ "attachError": { "message": "rpc error: code = ResourceExhausted desc = no slot" } }),
        json!({ "attachError": { "message": "no slot", "errorCode": 8 } }),
    ] {
        let server = ApiServer::new();
        let (attacher, wanted) = (attacher(&server, "a"), wanted());
        let mut attaching = attacher.attach(&wanted);
        let early = tokio::time::timeout(Duration::from_secs(5), &mut attaching).await;
        assert!(early.is_err(), "{early:?}");
        server.edit(&attachment("a"), |object| object["status"] = status);
        let error = attaching.await.unwrap_err().to_string();
        assert!(
            error.contains("as many volumes") && error.contains("no slot"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_driver_without_an_attacher_is_named() {
    let error = fails_with(&ApiServer::new()).await;
    assert!(error.contains("the attacher of csi.example.com"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_volume_in_csi_form_with_the_same_handle_is_in_the_way() {
    let server = ApiServer::new();
    put_volume(&server, "stranger", None);
    let error = fails_with(&server).await;
    assert!(error.contains("PersistentVolume stranger"), "{error}");
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn and_so_it_is_when_it_comes_later() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    put_volume(&server, "stranger", None);
    let error = fails_with(&server).await;
    assert!(error.contains("PersistentVolume stranger"), "{error}");
}

fn of_the_controller(pv: &str) -> serde_json::Value {
    json!({
        "spec": { "attacher": DRIVER, "nodeName": "a", "source": { "persistentVolumeName": pv } },
        "status": { "attached": true, "attachmentMetadata": { "devicePath": "/dev/vdc" } },
    })
}

#[tokio::test(start_paused = true)]
async fn the_attach_detach_controllers_own_is_used_only_for_its_own_volume() {
    let server = ApiServer::new();
    server.put(&attachment("a"), of_the_controller("pv-1"));
    let context = attacher(&server, "a").attach(&wanted()).await.unwrap();
    assert_eq!(context["devicePath"], "/dev/vdc");

    server.put(&attachment("a"), of_the_controller("stranger"));
    let error = fails_with(&server).await;
    assert!(error.contains("PersistentVolume stranger"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_is_not_touched() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    server.edit(&attachment("a"), |object| {
        object["metadata"]["labels"] = json!({})
    });
    let before = server.get(&attachment("a"));
    let error = fails_with(&server).await;
    assert!(error.contains("was made by somebody else"), "{error}");
    assert_eq!(server.get(&attachment("a")), before);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_deleted_is_not_used() {
    let server = ApiServer::new();
    attached(&server, "a").await;
    let before = server.get(&attachment("a")).unwrap();
    server.edit(&attachment("a"), |object| {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    attached(&server, "a").await;
    let after = server.get(&attachment("a")).unwrap();
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_made_otherwise_is_made_anew_unless_it_is_attached() {
    let server = ApiServer::new();
    let mut other = wanted();
    other.inline_volume_spec = other
        .inline_volume_spec
        .replace("ReadWriteOnce", "ReadOnlyMany");
    let attacher = attacher(&server, "a");
    attacher.attach(&other).await.unwrap_err();
    let before = server.get(&attachment("a")).unwrap();
    attached(&server, "a").await;
    let after = server.get(&attachment("a")).unwrap();
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    let modes = &after["spec"]["source"]["inlineVolumeSpec"]["accessModes"];
    assert_eq!(*modes, json!(["ReadWriteOnce"]));

    attacher.attach(&other).await.unwrap();
    assert_eq!(server.get(&attachment("a")).unwrap(), after);
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_something_else_is_not_taken() {
    let server = ApiServer::new();
    server.put(&lease(), json!({ "spec": { "holderIdentity": "x" } }));
    let error = fails_with(&server).await;
    assert!(error.contains("does not say which volume"), "{error}");
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_waited_for() {
    let server = ApiServer::new();
    let mut requests = 0;
    server.fates(move |_| {
        requests += 1;
        match requests {
            3..9 => Fate::Refused(503),
            9 => Fate::Lost,
            _ => Fate::Answered,
        }
    });
    attached(&server, "a").await;

    server.fates(|_| Fate::Refused(503));
    let error = attacher(&server, "a").attach(&wanted()).await.unwrap_err();
    assert!(matches!(error, AttachError::Unavailable { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_we_may_not_is_said_at_once() {
    let server = ApiServer::new();
    server.fates(|request| match request.starts_with("POST") {
        true => Fate::Refused(403),
        false => Fate::Answered,
    });
    let start = tokio::time::Instant::now();
    let error = fails_with(&server).await;
    assert!(error.contains("may not attach"), "{error}");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_while_it_is_not_known_whose_the_volume_is() {
    let server = ApiServer::new();
    let attacher = VolumeAttachments::new(server.client(), Arc::new(Unknown), settings("a"));
    let error = attacher.attach(&wanted()).await.unwrap_err();
    assert!(matches!(error, AttachError::Unavailable { .. }), "{error}");
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
}
