//! Volumes that are given to the pod's group.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use flex2csi::cluster::{FsGroupChangePolicy, FsGroupPolicy};
use flex2csi::csi::v1::node_service_capability::rpc::Type;
use flex2csi::csi::v1::volume_capability::AccessType;
use flex2csi::flexvolume::volumes::MountedState;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::{PATIENCE, Rig, SHORT};

/// Our own group is the only one that everybody may give to.
fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// What is on the volume, which here lies where it is published.
fn fill(target: &Path) {
    std::fs::create_dir_all(target).unwrap();
    std::fs::write(target.join("file"), "data").unwrap();
    for (path, mode) in [(target.join("file"), 0o600), (target.to_owned(), 0o750)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

async fn mount(rig: &Rig, patience: Duration) -> Result<(), String> {
    let mut call = rig.call(1, "pv-0");
    fill(&call.target.path);
    call.options.fs_group = Some(group());
    let context = rig.context(patience);
    let mounted = rig.volumes.mount(call, context).await;
    mounted.map_err(|error| error.to_string())
}

#[tokio::test]
async fn files_are_the_groups_before_the_pod_sees_them() {
    let rig = Rig::new();
    mount(&rig, PATIENCE).await.unwrap();
    let target = rig.path(1, "pv-0");
    assert_eq!(mode(&target), 0o2770);
    assert_eq!(mode(&target.join("file")), 0o660);
    assert_eq!(rig.records().len(), 1, "no note is left");
}

#[tokio::test]
async fn policies_are_kept_to() {
    for (policy, change, expected) in [
        (FsGroupPolicy::None, FsGroupChangePolicy::Always, 0o600),
        (FsGroupPolicy::File, FsGroupChangePolicy::Always, 0o660),
        // The root is not the group's yet.
        (
            FsGroupPolicy::File,
            FsGroupChangePolicy::OnRootMismatch,
            0o660,
        ),
    ] {
        let rig = Rig::new();
        rig.cluster.known().driver.fs_group_policy = policy;
        rig.cluster.known().change_policy = change;
        mount(&rig, PATIENCE).await.unwrap();
        let file = rig.path(1, "pv-0").join("file");
        assert_eq!(mode(&file), expected, "{policy:?} {change:?}");
    }
}

#[tokio::test]
async fn a_driver_that_can_is_told_the_group() {
    let rig = Rig::new();
    rig.driver
        .state()
        .capabilities
        .insert(Type::VolumeMountGroup as i32);
    mount(&rig, PATIENCE).await.unwrap();
    assert_eq!(mode(&rig.path(1, "pv-0").join("file")), 0o600);
    let state = rig.driver.state();
    let published = state.published.values().next().unwrap();
    let capability = published.volume_capability.clone().unwrap();
    let Some(AccessType::Mount(mount)) = capability.access_type else {
        panic!("a block device");
    };
    assert_eq!(mount.volume_mount_group, group().to_string());
}

#[tokio::test]
async fn a_publish_that_came_late_gets_its_group_all_the_same() {
    let rig = Rig::new();
    let late = CancellationToken::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Late(late.clone()));
    mount(&rig, SHORT).await.unwrap_err();
    late.cancel();
    // Kubelet sees the mount and does not ask again.
    let target = rig.path(1, "pv-0");
    while rig.listed()[0].1 != MountedState::Published {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(mode(&target.join("file")), 0o660);
    assert_eq!(rig.records().len(), 1);
}

#[tokio::test]
async fn what_broke_off_before_the_group_had_all_is_finished_after_a_restart() {
    let mut rig = Rig::new();
    rig.driver
        .fails("NodePublishVolume", Fault::After(Code::Unavailable));
    mount(&rig, PATIENCE).await.unwrap_err();
    rig.restart();
    assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
    rig.volumes.collect().await;
    assert_eq!(rig.listed()[0].1, MountedState::Published);
    assert_eq!(mode(&rig.path(1, "pv-0").join("file")), 0o660);

    // What was finished is not done again: the pod may have changed it.
    let root = rig.path(1, "pv-0");
    std::fs::set_permissions(&root, PermissionsExt::from_mode(0o700)).unwrap();
    rig.restart();
    rig.volumes.collect().await;
    assert_eq!(mode(&root), 0o700);
}
