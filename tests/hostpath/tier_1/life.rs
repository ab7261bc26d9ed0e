//! The whole life of a volume, in each kind.

use flex2csi::csi::v1;
use tonic::Code;
use v1::volume_content_source::{SnapshotSource, Type, VolumeSource};

use crate::content;
use crate::server::{MIB, Server, done};

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn of_a_directory() {
    live("directory").await;
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
async fn of_ext4() {
    live("ext4").await;
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, xfsprogs"]
async fn of_xfs() {
    live("xfs").await;
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, btrfs-progs"]
async fn of_btrfs() {
    live("btrfs").await;
}

#[tokio::test]
#[ignore = "needs root: loop devices"]
async fn of_a_block_device() {
    live("block").await;
}

async fn live(kind: &'static str) {
    let server = Server::start(kind, &[]).await;
    let a = server.create("a").await;
    let target = server.use_at(&a, "a").await;
    server.use_at(&a, "a").await;
    content::write(&target, "then").unwrap();
    let stats = server.stats(&a, "a").await;
    assert!(stats.usage[0].total > 0 && !stats.volume_condition.unwrap().abnormal);
    assert_eq!(
        server.delete(&a).await,
        Err(Code::FailedPrecondition),
        "in use"
    );
    assert_eq!(
        server.unstage(&a).await,
        Err(Code::FailedPrecondition),
        "published"
    );

    expand(&server, kind, &a, "a").await;
    if kind == "block" {
        // A device that is written to has no instant, unless copies are by reference.
        server.leave(&a, "a").await;
    }
    let snapshot = snapshot(&server, &a).await;
    if kind == "block" {
        server.use_at(&a, "a").await;
    }
    content::write(&target, "now!").unwrap();
    if kind == "block" {
        server.leave(&a, "a").await;
    }
    let of_snapshot = Type::Snapshot(SnapshotSource {
        snapshot_id: snapshot.clone(),
    });
    let restored = server.create_from("b", Some(of_snapshot)).await;
    let of_volume = Type::Volume(VolumeSource {
        volume_id: a.clone(),
    });
    let cloned = server.create_from("c", Some(of_volume)).await;

    // All at once: copies of a filesystem have the ids of the first one.
    if kind == "block" {
        server.use_at(&a, "a").await;
    }
    let restored_at = server.use_at(&restored, "b").await;
    let cloned_at = server.use_at(&cloned, "c").await;
    assert_eq!(content::read(&target, 4), "now!");
    assert_eq!(content::read(&restored_at, 4), "then");
    assert_eq!(content::read(&cloned_at, 4), "now!");
    content::write(&cloned_at, "else").unwrap();
    assert_eq!(content::read(&target, 4), "now!");

    for (volume, target) in [(&a, "a"), (&restored, "b"), (&cloned, "c")] {
        server.leave(volume, target).await;
        server.leave(volume, target).await;
        assert!(!server.path(target).exists());
        server.delete(volume).await.unwrap();
    }
    let request = v1::DeleteSnapshotRequest {
        snapshot_id: snapshot,
        ..Default::default()
    };
    done(server.controller().await.delete_snapshot(request).await).unwrap();
    server.assert_nothing_left();
}

async fn snapshot(server: &Server, volume: &str) -> String {
    let request = v1::CreateSnapshotRequest {
        source_volume_id: volume.to_owned(),
        name: "s".to_owned(),
        ..Default::default()
    };
    let snapshot = server.controller().await.create_snapshot(request).await;
    snapshot.unwrap().into_inner().snapshot.unwrap().snapshot_id
}

/// Grows a volume while it is in use.
async fn expand(server: &Server, kind: &str, volume: &str, target: &str) {
    let before = content::size(&server.path(target));
    let range = Some(v1::CapacityRange {
        required_bytes: 512 * MIB,
        limit_bytes: 0,
    });
    let request = v1::ControllerExpandVolumeRequest {
        volume_id: volume.to_owned(),
        capacity_range: range,
        ..Default::default()
    };
    let expanded = server
        .controller()
        .await
        .controller_expand_volume(request)
        .await;
    let expanded = expanded.unwrap().into_inner();
    assert_eq!(expanded.capacity_bytes, 512 * MIB);
    assert_eq!(expanded.node_expansion_required, kind != "directory");
    let request = v1::NodeExpandVolumeRequest {
        volume_id: volume.to_owned(),
        volume_path: server.path(target).to_str().unwrap().to_owned(),
        capacity_range: range,
        ..Default::default()
    };
    let grown = done(server.node().await.node_expand_volume(request).await);
    if kind == "ext4" && !has_sys_resource() {
        // Linux grows a mounted ext4 for who has this right alone; it is grown
        // when it is staged next.
        assert_eq!(grown, Err(Code::FailedPrecondition));
        server.leave(volume, target).await;
        server.use_at(volume, target).await;
    } else {
        grown.unwrap();
    }
    if kind != "directory" {
        let after = content::size(&server.path(target));
        assert!(after > before + 100 * MIB as u64, "{before} → {after}");
    }
}

fn has_sys_resource() -> bool {
    let sets = rustix::thread::capabilities(None).unwrap();
    sets.effective
        .contains(rustix::thread::CapabilitySet::SYS_RESOURCE)
}
