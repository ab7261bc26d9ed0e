//! Several volumes, written to, in one group snapshot.

use flex2csi::csi::v1;
use v1::group_controller_client::GroupControllerClient;
use v1::volume_content_source::{SnapshotSource, Type};

use crate::content;
use crate::server::{Server, done};

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, fsfreeze, the programs of all filesystems"]
async fn mounted_filesystems_are_snapshot_whole() {
    for kind in ["ext4", "xfs", "btrfs"] {
        let server = Server::start(kind, &[]).await;
        let (a, b) = (server.create("a").await, server.create("b").await);
        let (at_a, at_b) = (server.use_at(&a, "a").await, server.use_at(&b, "b").await);
        content::write(&at_a, "of a").unwrap();
        content::write(&at_b, "of b").unwrap();

        let mut groups = GroupControllerClient::new(server.channel().await);
        let request = v1::CreateVolumeGroupSnapshotRequest {
            name: "g".to_owned(),
            source_volume_ids: vec![a.clone(), b.clone()],
            ..Default::default()
        };
        let group = groups.create_volume_group_snapshot(request).await.unwrap();
        let group = group.into_inner().group_snapshot.unwrap();
        // Both can be written to again: neither is left frozen.
        content::write(&at_a, "new!").unwrap();
        content::write(&at_b, "new!").unwrap();

        for snapshot in &group.snapshots {
            let expected = if snapshot.source_volume_id == a {
                "of a"
            } else {
                "of b"
            };
            let source = Type::Snapshot(SnapshotSource {
                snapshot_id: snapshot.snapshot_id.clone(),
            });
            let restored = server.create_from("restored", Some(source)).await;
            let at = server.use_at(&restored, "restored").await;
            assert_eq!(content::read(&at, 4), expected, "{kind}");
            server.leave(&restored, "restored").await;
            server.delete(&restored).await.unwrap();
        }
        server.leave(&a, "a").await;
        server.leave(&b, "b").await;
        let request = v1::DeleteVolumeGroupSnapshotRequest {
            group_snapshot_id: group.group_snapshot_id,
            snapshot_ids: group
                .snapshots
                .into_iter()
                .map(|each| each.snapshot_id)
                .collect(),
            ..Default::default()
        };
        done(groups.delete_volume_group_snapshot(request).await).unwrap();
        server.delete(&a).await.unwrap();
        server.delete(&b).await.unwrap();
        server.assert_nothing_left();
    }
}
