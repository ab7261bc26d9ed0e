//! Volumes that kubelet's CSI plugin has taken over, since their PersistentVolume was
//! rewritten under a running pod: this daemon has nothing to do with them any more.

use std::path::PathBuf;

use flex2csi::flexvolume::volumes::{MountedState, VolumeError};
use serde_json::json;

use crate::rig::{CSI, Rig, Setup};

const DATA: &str = "vol_data.json";

fn attached() -> Rig {
    let rig = Rig::new();
    rig.cluster.known().driver.attach_required = true;
    rig
}

/// What kubelet's CSI plugin writes for a pod before it publishes; gives where it mounts.
fn begun_by_kubelet(rig: &Rig, pod: u32) -> PathBuf {
    let directory = format!("pods/uid-{pod}/volumes/kubernetes.io~csi/pv-0");
    let directory = rig.root().join(directory);
    std::fs::create_dir_all(&directory).unwrap();
    let data = json!({"driverName": CSI, "volumeHandle": "vol-0", "specVolID": "pv-0"});
    std::fs::write(directory.join(DATA), data.to_string()).unwrap();
    directory.join("mount")
}

fn published_by_kubelet(rig: &Rig, pod: u32) {
    let target = begun_by_kubelet(rig, pod);
    rig.driver.state().foreign.insert(target);
}

/// The pod ends: kubelet unpublishes and unstages, and then somebody detaches.
fn let_go_by_kubelet(rig: &Rig, pod: u32) {
    {
        let mut state = rig.driver.state();
        state.foreign.clear();
        state.staged.clear();
    }
    std::fs::remove_dir_all(rig.staging("vol-0")).unwrap();
    rig.end(pod);
    rig.cluster.known().attached.clear();
}

/// Nothing is known of it here, and all of it is there.
#[track_caller]
fn assert_left_to_kubelet(rig: &Rig) {
    assert_eq!(rig.listed(), []);
    assert_eq!(rig.records(), Vec::<PathBuf>::new());
    assert_eq!(rig.driver.state().staged.len(), 1);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    assert!(rig.staging("vol-0").join(DATA).exists());
}

#[track_caller]
fn assert_kept(rig: &Rig) {
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    assert_eq!(rig.records().len(), 1);
    assert_eq!(rig.driver.state().staged.len(), 1);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
}

#[tokio::test]
async fn what_kubelet_has_published_is_forgotten() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_left_to_kubelet(&rig);
    // Nor does a daemon that starts anew know of it.
    rig.restart();
    rig.volumes.collect().await;
    assert_left_to_kubelet(&rig);
    let_go_by_kubelet(&rig, 1);
    rig.volumes.collect().await;
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    rig.assert_nothing_left();
}

/// Kubelet has not staged it for sure, and might never: then nobody would unstage it.
#[tokio::test]
async fn what_kubelet_has_only_begun_is_not() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let target = begun_by_kubelet(&rig, 1);
    rig.unmount(1, "pv-0").await.unwrap();
    rig.volumes.collect().await;
    assert_kept(&rig);
    rig.driver.state().foreign.insert(target);
    assert_eq!(rig.volumes.collect().await.released, 1);
    assert_left_to_kubelet(&rig);
}

#[tokio::test]
async fn what_kubelet_gave_up_is_unstaged_here() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    begun_by_kubelet(&rig, 1);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_kept(&rig);
    rig.end(1);
    assert_eq!(rig.volumes.collect().await.released, 1);
    rig.assert_nothing_left();
}

/// A kubelet before 1.24 stages elsewhere, and unstages only that.
#[tokio::test]
async fn what_kubelet_has_staged_elsewhere_is_kept() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    let staged = rig.root().join("plugins/kubernetes.io/csi/pv/pv-0");
    std::fs::create_dir_all(&staged).unwrap();
    let data = json!({"driverName": CSI, "volumeHandle": "vol-0"});
    std::fs::write(staged.join(DATA), data.to_string()).unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    assert_kept(&rig);
}

/// The daemon died before it had recorded that it unmounted, and kubelet, whose directory
/// is gone, does not ask again.
#[tokio::test]
async fn an_unmount_that_was_cut_off_is_forgotten_under_the_running_pod() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let path = rig.path(1, "pv-0");
    rig.driver.state().published.remove(&path);
    std::fs::remove_dir(&path).unwrap();
    rig.restart();
    // As long as it is not kubelet's otherwise, a mount may be on its way.
    assert_eq!(rig.volumes.collect().await.unmounted, 0);
    assert_eq!(rig.listed(), [(Some(path), MountedState::Uncertain)]);
    published_by_kubelet(&rig, 1);
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    assert_left_to_kubelet(&rig);
}

#[tokio::test]
async fn while_a_pod_has_it_through_the_flexvolume_nothing_is_forgotten() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.unmount(1, "pv-0").await.unwrap();
    rig.volumes.collect().await;
    let path = rig.path(2, "pv-0");
    assert_eq!(rig.listed(), [(Some(path), MountedState::Published)]);
    // The last one goes, and the other pod has it still.
    rig.unmount(2, "pv-0").await.unwrap();
    assert_left_to_kubelet(&rig);
}

#[tokio::test]
async fn an_attachment_is_left_to_who_has_taken_it_over() {
    let rig = attached();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.cluster.known().adopts = Some(true);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_left_to_kubelet(&rig);
    assert_eq!(rig.cluster.known().attached.len(), 1);
    let_go_by_kubelet(&rig, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn as_long_as_nobody_has_taken_it_over_it_is_kept() {
    let mut rig = attached();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_kept(&rig);
    // It cannot be known.
    rig.cluster.known().adopts = None;
    rig.volumes.collect().await;
    assert_kept(&rig);
    rig.restart();
    assert_eq!(rig.volumes.collect().await.released, 0);
    assert_kept(&rig);
    assert_eq!(rig.cluster.known().attached.len(), 1);
    rig.cluster.known().adopts = Some(true);
    assert_eq!(rig.volumes.collect().await.released, 1);
    assert_left_to_kubelet(&rig);
    assert_eq!(rig.cluster.known().attached.len(), 1);
}

/// Without a cluster nobody detaches.
#[tokio::test]
async fn without_an_attacher_it_is_kept() {
    let mut rig = attached();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.cluster.known().adopts = Some(true);
    rig.setup = Setup {
        attaches: false,
        ..rig.setup.clone()
    };
    rig.restart();
    rig.unmount(1, "pv-0").await.unwrap();
    rig.volumes.collect().await;
    assert_kept(&rig);
}

/// Kubelet's files are there after a reboot, and what it had mounted is not.
#[tokio::test]
async fn after_a_reboot_kubelet_has_to_publish_again_first() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let target = begun_by_kubelet(&rig, 1);
    rig.reboot();
    rig.unmount(1, "pv-0").await.unwrap();
    rig.volumes.collect().await;
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    rig.driver.state().foreign.insert(target);
    assert_eq!(rig.volumes.collect().await.released, 1);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    assert_eq!(rig.records(), Vec::<PathBuf>::new());
}

/// Brought back to its legacy form once nobody had it any more.
#[tokio::test]
async fn what_was_left_to_kubelet_can_come_back() {
    let rig = attached();
    rig.mount(1, "pv-0").await.unwrap();
    published_by_kubelet(&rig, 1);
    rig.cluster.known().adopts = Some(true);
    rig.unmount(1, "pv-0").await.unwrap();
    let error = rig.mount(2, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::InUseByCsi { .. }), "{error}");
    assert_left_to_kubelet(&rig);
    let_go_by_kubelet(&rig, 1);
    rig.cluster.known().adopts = Some(false);
    rig.mount(2, "pv-0").await.unwrap();
    rig.unmount(2, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}
