//! Volumes that are given to the pod's group.

use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use flex2csi::cluster::{FsGroupChangePolicy, FsGroupPolicy};
use flex2csi::csi::v1::node_service_capability::rpc::Type;
use flex2csi::csi::v1::volume_capability::AccessType;
use flex2csi::flexvolume::volumes::MountedState;
use rustix::fs::{AtFlags, Mode, OFlags};
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

async fn comes_to_be_published(rig: &Rig) {
    while rig.listed()[0].1 != MountedState::Published {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
    comes_to_be_published(&rig).await;
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
    comes_to_be_published(&rig).await;
    assert_eq!(mode(&rig.path(1, "pv-0").join("file")), 0o660);

    // What was finished is not done again: the pod may have changed it.
    let root = rig.path(1, "pv-0");
    std::fs::set_permissions(&root, PermissionsExt::from_mode(0o700)).unwrap();
    rig.restart();
    rig.volumes.collect().await;
    assert_eq!(mode(&root), 0o700);
}

/// A restart in the midst of a mount, with what a pod has made on the volume.
async fn restarted(rig: &mut Rig) {
    rig.driver
        .fails("NodePublishVolume", Fault::After(Code::Unavailable));
    mount(rig, PATIENCE).await.unwrap_err();
    rig.restart();
}

fn note(rig: &Rig) -> Option<std::path::PathBuf> {
    let is_note = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "group");
    rig.records().into_iter().find(is_note)
}

#[tokio::test]
async fn no_tree_of_a_pods_ends_the_daemon_at_every_start() {
    let mut rig = Rig::new();
    restarted(&mut rig).await;
    let root = rustix::fs::open(
        rig.path(1, "pv-0"),
        OFlags::PATH | OFlags::DIRECTORY,
        Mode::empty(),
    )
    .unwrap();
    let mut last = root.try_clone().unwrap();
    let open = |at: &OwnedFd| {
        rustix::fs::openat(at, c"d", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    };
    const DEEP: u32 = 5000;
    for _ in 0..DEEP {
        rustix::fs::mkdirat(&last, c"d", Mode::RWXU).unwrap();
        last = open(&last);
    }
    rig.volumes.collect().await;
    comes_to_be_published(&rig).await;
    assert_eq!(rustix::fs::fstat(&last).unwrap().st_mode & 0o7777, 0o2770);
    assert_eq!(note(&rig), None);
    // It is too deep to be removed as others are.
    for _ in 1..DEEP {
        rustix::fs::renameat(open(&root), c"d", &root, c"e").unwrap();
        rustix::fs::unlinkat(&root, c"d", AtFlags::REMOVEDIR).unwrap();
        rustix::fs::renameat(&root, c"e", &root, c"d").unwrap();
    }
}

#[tokio::test]
async fn what_has_ended_the_daemon_again_and_again_is_left_as_it_is() {
    let mut rig = Rig::new();
    restarted(&mut rig).await;
    let note = note(&rig).unwrap();
    let text = std::fs::read_to_string(&note).unwrap();
    assert!(text.contains("\"tries\":1"), "{text}");
    std::fs::write(&note, text.replace("\"tries\":1", "\"tries\":5")).unwrap();
    rig.volumes.collect().await;
    comes_to_be_published(&rig).await;
    assert_eq!(mode(&rig.path(1, "pv-0").join("file")), 0o600);
    assert!(!note.exists());
}

/// A file system may take as long as it likes.
#[tokio::test]
async fn nothing_is_released_later_because_files_are_given_to_a_group() {
    let mut rig = Rig::new();
    rig.mount(2, "pv-1").await.unwrap();
    restarted(&mut rig).await;
    // Whoever gives them waits for this call, as for a file system.
    let late = CancellationToken::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Late(late.clone()));
    let call = rig.call(1, "pv-0");
    let mounting = tokio::spawn({
        let (volumes, context) = (rig.volumes.clone(), rig.context(Duration::from_secs(600)));
        async move { volumes.mount(call, context).await }
    });
    while rig.driver.count("NodePublishVolume") < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.end(2);
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    assert!(!mounting.is_finished());
    late.cancel();
    mounting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_mount_whose_files_cannot_be_given_is_not_taken_away() {
    let rig = Rig::new();
    let mut call = rig.call(1, "pv-0");
    // No file system: what is published is no directory.
    let target = call.target.path.clone();
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::write(&target, "").unwrap();
    call.options.fs_group = Some(group());
    let error = rig.volumes.mount(call, rig.context(PATIENCE)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is mounted, and its files"), "{error}");
    // Kubelet sees it, and has it unmounted when the pod ends.
    assert!(rig.is_published(&target));
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
    assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
}
