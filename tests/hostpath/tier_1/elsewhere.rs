//! What is at a path is not always what was put there.

use std::process::Command;

use flex2csi::csi::v1;
use tonic::Code;
use v1::volume_capability::{AccessType, MountVolume};

use crate::content;
use crate::server::{Server, done};

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn what_is_no_volume_is_left_alone() {
    let server = Server::start("directory", &[]).await;
    let volume = server.create("a").await;
    server.stage(&volume).await.unwrap();
    let target = server.path("a");
    std::fs::create_dir(&target).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "x"])
        .arg(&target)
        .status();
    assert!(mounted.unwrap().success());
    std::fs::write(target.join("file"), "text").unwrap();
    assert_eq!(server.publish(&volume, "a").await, Err(Code::Internal));
    server.unpublish(&volume, "b").await.unwrap();
    assert_eq!(content::read(&target, 4), "text");
    assert!(
        Command::new("umount")
            .arg(&target)
            .status()
            .unwrap()
            .success()
    );
    server.publish(&volume, "a").await.unwrap();
    server.leave(&volume, "a").await;
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn a_path_has_one_spelling() {
    let server = Server::start("directory", &[]).await;
    let volume = server.create("a").await;
    server.use_at(&volume, "a").await;
    server.unpublish(&volume, ".//a/").await.unwrap();
    assert!(!server.path("a").exists());
    server.unstage(&volume).await.unwrap();
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn a_volume_whose_data_is_gone_is_not_well_and_goes() {
    let server = Server::start("directory", &[]).await;
    let volume = server.create("a").await;
    server.use_at(&volume, "a").await;
    std::fs::remove_dir(server.path("state/data/volumes").join(&volume)).unwrap();
    let condition = server.stats(&volume, "a").await.volume_condition.unwrap();
    assert!(condition.abnormal, "{condition:?}");
    server.leave(&volume, "a").await;
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}

#[tokio::test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
async fn flags_and_groups_are_the_mount_s() {
    for kind in ["directory", "ext4"] {
        let server = Server::start(kind, &[]).await;
        let volume = server.create("a").await;
        let target = server.use_at(&volume, "plain").await;
        content::write(&target, "text").unwrap();
        let publish = async |group: &str, flags: &[&str]| {
            let mut request = server.publish_request(&volume, "a");
            let capability = request.volume_capability.as_mut().unwrap();
            capability.access_type = Some(AccessType::Mount(MountVolume {
                mount_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
                volume_mount_group: group.to_owned(),
                ..Default::default()
            }));
            done(server.node().await.node_publish_volume(request).await)
        };
        assert_eq!(publish("staff", &[]).await, Err(Code::InvalidArgument));
        assert_eq!(
            publish("", &["remount"]).await,
            Err(Code::FailedPrecondition)
        );
        publish("4321", &["noexec", "noatime"]).await.unwrap();
        let table = flex2csi::mountinfo::MountTable::read().unwrap();
        let mount = table.at(&server.path("a")).unwrap();
        assert!(
            mount.has_option("noexec") && mount.has_option("noatime"),
            "{mount:?}"
        );
        assert!(
            !table.at(&target).unwrap().has_option("noexec"),
            "each has its own"
        );
        use std::os::unix::fs::MetadataExt;
        for path in [target.clone(), target.join("file")] {
            assert_eq!(path.metadata().unwrap().gid(), 4321, "{}", path.display());
        }
        assert_eq!(
            target.join("file").metadata().unwrap().mode() & 0o660,
            0o660
        );
        server.unpublish(&volume, "a").await.unwrap();
        publish("1234", &["ro"]).await.unwrap();
        assert_eq!(target.metadata().unwrap().gid(), 4321, "nothing is written");
        server.unpublish(&volume, "a").await.unwrap();
        server.leave(&volume, "plain").await;
        server.delete(&volume).await.unwrap();
        server.assert_nothing_left();
    }
}

#[tokio::test]
#[ignore = "needs root: mounts"]
async fn asked_for_faults_come() {
    let server = Server::start(
        "directory",
        &["--fault", "NodePublishVolume=UNAVAILABLE,after,times=1"],
    )
    .await;
    let volume = server.create("a").await;
    server.stage(&volume).await.unwrap();
    assert_eq!(server.publish(&volume, "a").await, Err(Code::Unavailable));
    content::write(&server.path("a"), "text").unwrap();
    assert_eq!(
        content::read(&server.path("state/data/volumes").join(&volume), 4),
        "text"
    );
    server.publish(&volume, "a").await.unwrap();
    server.leave(&volume, "a").await;
    server.delete(&volume).await.unwrap();
    server.assert_nothing_left();
}
