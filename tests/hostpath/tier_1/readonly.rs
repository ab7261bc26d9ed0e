//! What is to be read alone cannot be written.

use flex2csi::csi::v1;
use tonic::Code;
use v1::volume_capability::access_mode::Mode;

use crate::content;
use crate::server::{Server, done};

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, the programs of all filesystems"]
async fn every_kind_is_published_readonly() {
    for kind in ["directory", "ext4", "xfs", "btrfs", "block"] {
        let server = Server::start(kind, &[]).await;
        let volume = server.create("a").await;
        let writable = server.use_at(&volume, "rw").await;
        content::write(&writable, "text").unwrap();
        server.publish_readonly(&volume, "ro").await.unwrap();
        server.publish_readonly(&volume, "ro").await.unwrap();
        assert!(
            content::write(&server.path("ro"), "more").is_err(),
            "{kind}"
        );
        content::write(&writable, "more").unwrap();
        assert_eq!(content::read(&writable, 4), "more");
        let otherwise = server.publish(&volume, "ro").await;
        assert_eq!(otherwise, Err(Code::AlreadyExists), "{kind}");
        server.unpublish(&volume, "ro").await.unwrap();
        server.leave(&volume, "rw").await;
        server.delete(&volume).await.unwrap();
        server.assert_nothing_left();
    }
}

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn a_mode_for_one_workload_is_for_one() {
    let server = Server::start("directory", &[]).await;
    let volume = server.create("a").await;
    server.stage(&volume).await.unwrap();
    let publish = async |target: &str| {
        let request = v1::NodePublishVolumeRequest {
            volume_capability: Some(server.capability_of(Mode::SingleNodeSingleWriter)),
            ..server.publish_request(&volume, target)
        };
        done(server.node().await.node_publish_volume(request).await)
    };
    publish("one").await.unwrap();
    publish("one").await.unwrap();
    assert_eq!(publish("two").await, Err(Code::FailedPrecondition));
    server.unpublish(&volume, "one").await.unwrap();
    publish("two").await.unwrap();
    server.leave(&volume, "two").await;
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}
