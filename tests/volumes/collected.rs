//! What is found again, and what kubelet has given up.

use flex2csi::flexvolume::volumes::{Collected, MountedState};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::Rig;

#[tokio::test]
async fn mounts_outlive_the_daemon() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-1").await.unwrap();
    rig.restart();
    let published = |listed: &(_, MountedState)| listed.1 == MountedState::Published;
    assert_eq!(rig.listed().len(), 2);
    assert!(rig.listed().iter().all(published));
    assert_eq!(rig.volumes.collect().await, Collected::default());
    rig.unmount(1, "pv-0").await.unwrap();
    rig.unmount(2, "pv-1").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn after_a_reboot_a_pod_that_is_still_there_is_mounted_again() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.reboot();
    assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
    assert_eq!(rig.volumes.collect().await, Collected::default());
    rig.mount(1, "pv-0").await.unwrap();
    assert_eq!(rig.listed()[0].1, MountedState::Published);
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn of_a_mount_that_broke_off_all_is_undone_when_the_pod_is_gone() {
    for rpc in ["NodeStageVolume", "NodePublishVolume"] {
        for fault in [
            Fault::Before(Code::Unavailable),
            Fault::After(Code::Unavailable),
        ] {
            let mut rig = Rig::new();
            rig.driver.fails(rpc, fault);
            rig.mount(1, "pv-0").await.unwrap_err();
            rig.restart();
            rig.end(1);
            assert_eq!(rig.volumes.collect().await.unmounted, 1);
            rig.assert_nothing_left();
        }
    }
}

#[tokio::test]
async fn a_pod_that_was_deleted_by_force_leaves_nothing() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-0").await.unwrap();
    rig.end(1);
    let collected = rig.volumes.collect().await;
    assert_eq!((collected.unmounted, collected.left), (1, 0));
    assert!(rig.is_published(&rig.path(2, "pv-0")));
    rig.end(2);
    rig.volumes.collect().await;
    rig.assert_nothing_left();
}

#[tokio::test]
async fn what_cannot_be_collected_is_collected_later() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-1").await.unwrap();
    rig.end(1);
    rig.end(2);
    rig.driver
        .fails("NodeUnpublishVolume", Fault::Before(Code::Internal));
    let collected = rig.volumes.collect().await;
    assert_eq!((collected.unmounted, collected.left), (1, 1));
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn it_is_collected_at_the_start() {
    let mut rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.end(1);
    rig.restart();
    let (volumes, shutdown) = (rig.volumes.clone(), CancellationToken::new());
    let ended = shutdown.clone();
    let keeping = tokio::spawn(async move { volumes.keep_collecting(ended).await });
    while !rig.volumes.list().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    shutdown.cancel();
    keeping.await.unwrap();
    rig.assert_nothing_left();
}
