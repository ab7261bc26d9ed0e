//! Unmounts.

use flex2csi::flexvolume::volumes::{MountedState, ReleaseWhen, Unmounted, VolumeError};
use serde_json::json;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::{Rig, Setup, pod_name};

fn later() -> Rig {
    Rig::with(Setup {
        release: ReleaseWhen::Later,
        ..Setup::default()
    })
}

/// Lets what was left to later happen.
async fn until_released(rig: &Rig) {
    while !rig.volumes.list().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_was_never_mounted_is_unmounted_already() {
    let rig = Rig::new();
    assert_eq!(rig.unmount(1, "pv-0").await.unwrap(), Unmounted::Nothing);
    rig.mount(1, "pv-0").await.unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.unmount(1, "pv-0").await.unwrap(), Unmounted::Nothing);
}

#[tokio::test]
async fn what_somebody_else_mounted_is_told_apart() {
    let rig = Rig::new();
    let target = rig.path(1, "pv-0");
    rig.driver.state().foreign.insert(target);
    let unmounted = rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(
        unmounted,
        Unmounted::NotOurs {
            refused: Vec::new()
        }
    );
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
}

#[tokio::test]
async fn an_unmount_that_failed_is_called_again() {
    for code in [Code::Internal, Code::Unavailable] {
        for fault in [Fault::Before(code), Fault::After(code)] {
            let rig = Rig::new();
            rig.mount(1, "pv-0").await.unwrap();
            rig.driver.fails("NodeUnpublishVolume", fault);
            rig.unmount(1, "pv-0").await.unwrap_err();
            assert_eq!(rig.records().len(), 1);
            rig.unmount(1, "pv-0").await.unwrap();
            rig.assert_nothing_left();
        }
    }
}

#[tokio::test]
async fn a_volume_that_the_driver_does_not_know_any_more_is_unmounted() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.driver
        .fails("NodeUnpublishVolume", Fault::After(Code::NotFound));
    rig.driver
        .fails("NodeUnstageVolume", Fault::After(Code::NotFound));
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_driver_that_only_says_so_is_not_believed() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.driver.state().keeps_mounts = true;
    let error = rig.unmount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::StillMounted { .. }), "{error}");
    assert_eq!(rig.listed().len(), 1);
    rig.driver.state().keeps_mounts = false;
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn files_under_the_mount_are_nobodys_to_remove() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let file = rig.path(1, "pv-0").join("written-before");
    std::fs::write(&file, "data").unwrap();
    let error = rig.unmount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::NotEmpty { .. }), "{error}");
    assert!(file.exists());
    std::fs::remove_file(&file).unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn an_unmount_does_not_wait_for_the_cluster() {
    let rig = later();
    rig.mount(1, "pv-0").await.unwrap();
    // The API server is gone.
    rig.cluster.known().holds = None;
    rig.cluster.known().volumes.clear();
    assert_eq!(rig.unmount(1, "pv-0").await.unwrap(), Unmounted::Ours);
    assert!(!rig.is_published(&rig.path(1, "pv-0")));
    // Without an answer it is kept, over a restart as well.
    while rig.cluster.known().asked_holds.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    rig.volumes.collect().await;
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    let mut rig = rig;
    rig.restart();
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    rig.cluster.known().holds = Some(false);
    assert_eq!(rig.volumes.collect().await.released, 1);
    rig.assert_nothing_left();
    let asked = rig.cluster.known().asked_holds.clone();
    assert!(asked.iter().all(|pods| *pods == [pod_name(1)]), "{asked:?}");
}

#[tokio::test]
async fn an_unmount_costs_one_removal_when_it_was_the_last() {
    let rig = later();
    rig.mount(1, "pv-0").await.unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    until_released(&rig).await;
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_mount_that_comes_during_the_release_waits_for_it() {
    let rig = later();
    for _ in 0..10 {
        rig.mount(1, "pv-0").await.unwrap();
        rig.unmount(1, "pv-0").await.unwrap();
    }
    rig.mount(2, "pv-0").await.unwrap();
    assert_eq!(rig.driver.state().wrong, Vec::<String>::new());
    rig.unmount(2, "pv-0").await.unwrap();
    until_released(&rig).await;
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_volume_that_kubelets_csi_plugin_took_over_is_left_to_it() {
    let rig = Rig::new();
    rig.cluster.known().driver.attach_required = true;
    rig.mount(1, "pv-0").await.unwrap();
    // The PersistentVolume was rewritten under the running pod.
    let directory = rig.root().join("pods/uid-1/volumes/kubernetes.io~csi/pv-0");
    std::fs::create_dir_all(&directory).unwrap();
    let data = json!({"driverName": "disk.example.com", "volumeHandle": "vol-0"});
    std::fs::write(directory.join("vol_data.json"), data.to_string()).unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    rig.volumes.collect().await;
    assert_eq!(rig.driver.state().staged.len(), 1);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    assert_eq!(rig.cluster.known().attached.len(), 1);
    assert!(rig.staging("vol-0").join("vol_data.json").exists());
    // And kubelet is done with it.
    rig.end(1);
    rig.volumes.collect().await;
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_volume_that_the_cluster_holds_is_left() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.cluster.known().holds = Some(true);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.driver.state().staged.len(), 1);
    // It is wanted again before anybody let go of it.
    rig.mount(2, "pv-0").await.unwrap();
    rig.cluster.known().holds = Some(false);
    rig.volumes.collect().await;
    assert!(rig.is_published(&rig.path(2, "pv-0")));
    rig.unmount(2, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}
