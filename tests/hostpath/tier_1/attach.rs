//! With an attach step, nodes refuse what is not attached to them.

use flex2csi::csi::v1;
use tonic::Code;

use crate::content;
use crate::server::{Server, done};

async fn attach(server: &Server, volume: &str, readonly: bool) -> Result<(), Code> {
    let request = v1::ControllerPublishVolumeRequest {
        volume_id: volume.to_owned(),
        node_id: "node".to_owned(),
        volume_capability: Some(server.capability()),
        readonly,
        ..Default::default()
    };
    done(
        server
            .controller()
            .await
            .controller_publish_volume(request)
            .await,
    )
}

async fn detach(server: &Server, volume: &str) -> Result<(), Code> {
    let request = v1::ControllerUnpublishVolumeRequest {
        volume_id: volume.to_owned(),
        node_id: "node".to_owned(),
        ..Default::default()
    };
    done(
        server
            .controller()
            .await
            .controller_unpublish_volume(request)
            .await,
    )
}

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn what_is_not_attached_is_refused() {
    let server = Server::start("directory", &["--attach"]).await;
    let volume = server.create("a").await;
    assert_eq!(server.stage(&volume).await, Err(Code::FailedPrecondition));
    attach(&server, &volume, false).await.unwrap();
    server.stage(&volume).await.unwrap();
    detach(&server, &volume).await.unwrap();
    assert_eq!(
        server.publish(&volume, "a").await,
        Err(Code::FailedPrecondition)
    );
    attach(&server, &volume, false).await.unwrap();
    server.publish(&volume, "a").await.unwrap();
    server.leave(&volume, "a").await;
    assert_eq!(
        server.delete(&volume).await,
        Err(Code::FailedPrecondition),
        "attached"
    );
    detach(&server, &volume).await.unwrap();
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices"]
async fn what_is_attached_readonly_cannot_be_written() {
    for kind in ["directory", "block"] {
        let server = Server::start(kind, &["--attach"]).await;
        let volume = server.create("a").await;
        attach(&server, &volume, true).await.unwrap();
        let target = server.use_at(&volume, "a").await;
        assert!(content::write(&target, "text").is_err(), "{kind}");
        server.leave(&volume, "a").await;
        detach(&server, &volume).await.unwrap();
        server.delete(&volume).await.unwrap();
        server.assert_nothing_left();
    }
}
