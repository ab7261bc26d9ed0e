//! kill -9 in the middle of a call: the next try does it, and nothing is left.

use std::time::Duration;

use tonic::Code;

use crate::content;
use crate::server::{Server, done};

const KINDS: [&str; 3] = ["directory", "ext4", "block"];

/// Waits until the driver has recorded something of a call that hangs.
async fn until_recorded(server: &Server, what: &str) {
    let recorded = || {
        let records = server.path("state/volumes").read_dir().unwrap();
        let files = records
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file());
        files
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .any(|text| text.contains(what))
    };
    while !recorded() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
async fn while_a_volume_is_created() {
    for kind in KINDS {
        let mut server = Server::start(kind, &["--fault", "CreateVolume=hang,recorded"]).await;
        let mut controller = server.controller().await;
        let request = server.create_request("a");
        let call = tokio::spawn(async move { done(controller.create_volume(request).await) });
        until_recorded(&server, "\"creating\"").await;
        server.restart(&[]).await;
        assert!(call.await.unwrap().is_err());
        server.assert_nothing_left();
        let volume = server.create("a").await;
        server.use_at(&volume, "a").await;
        server.leave(&volume, "a").await;
        server.delete(&volume).await.unwrap();
        server.assert_nothing_left();
    }
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
async fn before_and_after_a_volume_is_staged_and_published() {
    for kind in KINDS {
        for fault in [
            "NodeStageVolume=hang,recorded",
            "NodeStageVolume=hang,after",
            "NodePublishVolume=hang,recorded",
            "NodePublishVolume=hang,after",
        ] {
            let mut server = Server::start(kind, &["--fault", fault]).await;
            let volume = server.create("a").await;
            let staging = fault.starts_with("NodeStage");
            if !staging {
                server.stage(&volume).await.unwrap();
            }
            let call = async {
                if staging {
                    server.stage(&volume).await
                } else {
                    server.publish(&volume, "a").await
                }
            };
            let recorded = until_recorded(&server, if staging { ".staged\"" } else { "/a\"" });
            // A call that hangs after its effect has done it once it is recorded
            // and the lock is free again.
            tokio::select! {
                ended = call => panic!("{fault}: {ended:?}"),
                () = async { recorded.await; settled(&server, &volume, fault).await } => {}
            }
            server.restart(&[]).await;
            let target = server.use_at(&volume, "a").await;
            content::write(&target, "text").unwrap();
            // Killed while it is in use, it goes on where it was.
            server.restart(&[]).await;
            assert_eq!(content::read(&target, 4), "text", "{kind} {fault}");
            assert_eq!(server.delete(&volume).await, Err(Code::FailedPrecondition));
            server.leave(&volume, "a").await;
            server.delete(&volume).await.unwrap();
            server.assert_nothing_left();
        }
    }
}

/// Waits for the effect of a call that hangs after it.
async fn settled(server: &Server, volume: &str, fault: &str) {
    if !fault.ends_with("after") {
        return;
    }
    let lock = server.path("state/volumes/locks").join(volume);
    while std::fs::File::open(&lock).unwrap().try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
async fn and_never_unpublished() {
    for kind in KINDS {
        let mut server = Server::start(kind, &[]).await;
        let volume = server.create("a").await;
        server.use_at(&volume, "a").await;
        server.kill();
        // As a reboot does it.
        crate::left::clean(server.directory());
        server.restart(&[]).await;
        server.delete(&volume).await.unwrap();
        server.assert_nothing_left();
    }
}
