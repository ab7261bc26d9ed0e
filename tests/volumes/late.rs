//! Drivers that do not answer in time, and callers that do not wait.

use std::time::Duration;

use flex2csi::attachment::AttachError;
use flex2csi::flexvolume::volumes::MountedState;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::{PATIENCE, Rig, SHORT};

/// Waits until something is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_driver_that_hangs_is_given_up_and_the_mount_kept() {
    for rpc in ["NodeStageVolume", "NodePublishVolume"] {
        for fault in [Fault::Hang, Fault::DoneAndHang] {
            let rig = Rig::new();
            rig.driver.fails(rpc, fault);
            let call = rig.call(1, "pv-0");
            let error = rig.mount_within(call, SHORT).await.unwrap_err().to_string();
            assert!(error.contains("in time"), "{error}");
            assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
            assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
            // Kubelet asks again, unless it sees the mount.
            rig.mount(1, "pv-0").await.unwrap();
            rig.unmount(1, "pv-0").await.unwrap();
            rig.assert_nothing_left();
        }
    }
}

#[tokio::test]
async fn a_publish_that_comes_late_is_not_undone_while_the_pod_is_there() {
    let rig = Rig::new();
    let late = CancellationToken::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Late(late.clone()));
    let call = rig.call(1, "pv-0");
    rig.mount_within(call, SHORT).await.unwrap_err();
    late.cancel();
    let target = rig.path(1, "pv-0");
    until(|| rig.is_published(&target)).await;
    std::fs::create_dir_all(rig.root().join("pods/uid-1")).unwrap();
    rig.volumes.collect().await;
    assert!(rig.is_published(&target));
    rig.end(1);
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_mount_to_its_end() {
    let rig = Rig::new();
    let late = CancellationToken::new();
    rig.driver
        .fails("NodeStageVolume", Fault::Late(late.clone()));
    let call = rig.call(1, "pv-0");
    std::fs::create_dir_all(&call.target.path).unwrap();
    let (volumes, context) = (rig.volumes.clone(), rig.context(PATIENCE));
    let caller = tokio::spawn(async move { volumes.mount(call, context).await });
    until(|| rig.driver.count("NodeStageVolume") == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    late.cancel();
    until(|| {
        rig.listed()
            .iter()
            .any(|(_, state)| *state == MountedState::Published)
    })
    .await;
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn an_unmount_waits_for_the_mount_that_is_under_way() {
    let rig = Rig::new();
    let late = CancellationToken::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Late(late.clone()));
    let call = rig.call(1, "pv-0");
    std::fs::create_dir_all(&call.target.path).unwrap();
    let mount = tokio::spawn({
        let (volumes, context) = (rig.volumes.clone(), rig.context(PATIENCE));
        async move { volumes.mount(call, context).await }
    });
    until(|| rig.driver.count("NodePublishVolume") == 1).await;
    let target = rig.target(1, "pv-0");
    let early = rig.volumes.unmount(&target, rig.context(SHORT)).await;
    let early = early.unwrap_err().to_string();
    assert!(
        early.contains("another call") && early.contains("under way"),
        "{early}"
    );
    let unmount = rig.volumes.unmount(&target, rig.context(PATIENCE));
    late.cancel();
    unmount.await.unwrap();
    mount.await.unwrap().unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn two_calls_for_one_target_are_one_mount() {
    let rig = Rig::new();
    let call = rig.call(1, "pv-0");
    std::fs::create_dir_all(&call.target.path).unwrap();
    let one = rig.volumes.mount(call.clone(), rig.context(PATIENCE));
    let other = rig.volumes.mount(call, rig.context(PATIENCE));
    let (one, other) = tokio::join!(one, other);
    one.unwrap();
    other.unwrap();
    assert_eq!(rig.driver.count("NodePublishVolume"), 1);
}

#[tokio::test]
async fn an_unmount_that_hangs_can_be_called_again() {
    for fault in [Fault::Hang, Fault::DoneAndHang] {
        let rig = Rig::new();
        rig.mount(1, "pv-0").await.unwrap();
        rig.driver.fails("NodeUnpublishVolume", fault);
        let target = rig.target(1, "pv-0");
        rig.volumes
            .unmount(&target, rig.context(SHORT))
            .await
            .unwrap_err();
        assert_eq!(rig.listed().len(), 1);
        rig.unmount(1, "pv-0").await.unwrap();
        rig.assert_nothing_left();
    }
}

/// A mount of pv-0 whose publishing fails for good once a token is cancelled.
fn failing(rig: &Rig) -> CancellationToken {
    let late = CancellationToken::new();
    rig.driver
        .fails("NodeStageVolume", Fault::Late(late.clone()));
    rig.driver
        .fails("NodePublishVolume", Fault::After(Code::Internal));
    late
}

#[tokio::test]
async fn nothing_is_undone_once_kubelet_may_look() {
    let rig = Rig::new();
    let late = failing(&rig);
    let call = rig.call(1, "pv-0");
    std::fs::create_dir_all(&call.target.path).unwrap();
    let (volumes, context) = (rig.volumes.clone(), rig.context(PATIENCE));
    let caller = tokio::spawn(async move { volumes.mount(call, context).await });
    until(|| rig.driver.count("NodeStageVolume") == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    late.cancel();
    let target = rig.path(1, "pv-0");
    until(|| rig.is_published(&target)).await;
    rig.volumes.finish().await;
    assert!(rig.is_published(&target));
    assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
}

#[tokio::test]
async fn a_failed_mount_is_answered_when_it_is_undone_and_not_before() {
    for slow in [
        |token| [Fault::Late(token), Fault::Before(Code::Aborted)],
        |token| [Fault::Before(Code::Aborted), Fault::Late(token)],
    ] {
        let rig = Rig::new();
        failing(&rig).cancel();
        let undoing = CancellationToken::new();
        for fault in slow(undoing.clone()) {
            rig.driver.fails("NodeUnpublishVolume", fault);
        }
        let call = rig.call(1, "pv-0");
        std::fs::create_dir_all(&call.target.path).unwrap();
        let (volumes, context) = (rig.volumes.clone(), rig.context(SHORT));
        let deadline = context.deadline;
        let mount = tokio::spawn(async move { volumes.mount(call, context).await });
        until(|| rig.driver.count("NodeUnpublishVolume") > 0).await;
        tokio::time::sleep_until(deadline + SHORT).await;
        assert!(!mount.is_finished());
        undoing.cancel();
        mount.await.unwrap().unwrap_err();
        assert!(!rig.is_published(&rig.path(1, "pv-0")));
        rig.volumes.collect().await;
        rig.assert_nothing_left();
    }
}

/// What has failed now is not what may yet happen.
#[tokio::test]
async fn an_earlier_call_that_may_yet_publish_is_not_undone_by_another_failure() {
    let rig = Rig::new();
    rig.cluster.known().driver.attach_required = true;
    let late = CancellationToken::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Late(late.clone()));
    let call = rig.call(1, "pv-0");
    rig.mount_within(call, SHORT).await.unwrap_err();
    rig.cluster.known().attach_error = Some(|| AttachError::Elsewhere {
        handle: "vol-0".into(),
        node: "other".into(),
    });
    rig.mount(1, "pv-0").await.unwrap_err();
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
    late.cancel();
    let target = rig.path(1, "pv-0");
    until(|| rig.is_published(&target)).await;
    assert_eq!(rig.listed(), [(Some(target), MountedState::Uncertain)]);
    rig.end(1);
    rig.volumes.collect().await;
    rig.assert_nothing_left();
}

#[tokio::test]
async fn the_driver_is_told_how_long_and_what_the_call_is_called() {
    let rig = Rig::new();
    let context = rig.context(PATIENCE);
    let id = context.request_id.to_string();
    let call = rig.call(1, "pv-0");
    std::fs::create_dir_all(&call.target.path).unwrap();
    rig.volumes.mount(call, context).await.unwrap();
    let calls = rig.scripted.calls();
    let publish = calls
        .iter()
        .find(|call| call.path.ends_with("/NodePublishVolume"));
    let headers = &publish.unwrap().headers;
    assert_eq!(headers["x-request-id"], id.as_str());
    let timeout = flex2csi::grpc::timeout_of(headers).unwrap();
    assert!(timeout < PATIENCE && timeout > PATIENCE / 2, "{timeout:?}");
}
