//! Drivers whose volumes have to be attached.

use flex2csi::attachment::AttachError;
use flex2csi::flexvolume::volumes::{MountedState, VolumeError};
use serde_json::json;

use crate::rig::{LEGACY, Rig, Setup, pv};

fn rig() -> Rig {
    let rig = Rig::new();
    rig.cluster.known().driver.attach_required = true;
    rig
}

#[tokio::test]
async fn a_volume_is_attached_before_it_is_staged_and_detached_after_all() {
    let rig = rig();
    let context = [("device".to_owned(), "/dev/vdb".to_owned())];
    rig.cluster.known().publish_context = context.clone().into();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-0").await.unwrap();
    {
        let state = rig.driver.state();
        assert_eq!(
            state.staged.values().next().unwrap().publish_context,
            context.clone().into()
        );
        for published in state.published.values() {
            assert_eq!(published.publish_context, context.clone().into());
        }
    }
    assert!(rig.volumes.list().iter().all(|volume| volume.is_attached));
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.cluster.known().attached.len(), 1);
    rig.unmount(2, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn what_is_wanted_is_the_volume_as_csi_has_it() {
    let rig = rig();
    let spec = json!({"accessModes": ["ReadWriteMany"], "mountOptions": ["ro"]});
    rig.cluster
        .known()
        .volumes
        .insert("pv-1".into(), pv(1, spec));
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(1, "pv-1").await.unwrap();
    let wanted = rig.cluster.known().wanted.clone();
    assert_eq!(wanted[0].persistent_volume.as_deref(), Some("pv-0"));
    assert_eq!([wanted[0].is_shared, wanted[1].is_shared], [false, true]);
    let spec: serde_json::Value = serde_json::from_str(&wanted[1].inline_volume_spec).unwrap();
    assert_eq!(spec["csi"]["volumeHandle"], "vol-1");
    assert_eq!(spec["accessModes"], json!(["ReadWriteMany"]));
    assert_eq!(spec["claimRef"], json!(null));
}

#[tokio::test]
async fn without_a_cluster_nothing_can_be_attached() {
    let rig = Rig::with(Setup {
        attaches: false,
        ..Setup::default()
    });
    rig.mount(1, "pv-0").await.unwrap();
    rig.unmount(1, "pv-0").await.unwrap();
    rig.cluster.known().driver.attach_required = true;
    let error = rig.mount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::NoAttacher { .. }), "{error}");
    rig.assert_nothing_left();
}

#[tokio::test]
async fn what_another_node_has_leaves_nothing_here() {
    let rig = rig();
    rig.cluster.known().attach_error = Some(|| AttachError::Elsewhere {
        handle: "vol-0".into(),
        node: "other".into(),
    });
    let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
    assert!(error.contains("attached to node other"), "{error}");
    assert_eq!(rig.driver.count("NodeStageVolume"), 0);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn an_attachment_that_may_yet_come_is_kept() {
    for error in [
        (|| AttachError::Unavailable {
            handle: "vol-0".into(),
            reason: "no API server".into(),
        }) as fn() -> AttachError,
        || AttachError::Refused {
            handle: "vol-0".into(),
            reason: "not now".into(),
        },
    ] {
        let rig = rig();
        rig.cluster.known().attach_error = Some(error);
        rig.mount(1, "pv-0").await.unwrap_err();
        assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
        rig.cluster.known().attach_error = None;
        rig.mount(1, "pv-0").await.unwrap();
        rig.unmount(1, "pv-0").await.unwrap();
        rig.assert_nothing_left();
    }
}

#[tokio::test]
async fn a_detach_that_fails_is_done_later() {
    let rig = rig();
    rig.mount(1, "pv-0").await.unwrap();
    rig.cluster.known().detach_error = Some(|| AttachError::Unavailable {
        handle: "vol-0".into(),
        reason: "no API server".into(),
    });
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    assert!(rig.driver.state().staged.is_empty());
    let mut rig = rig;
    rig.restart();
    rig.cluster.known().detach_error = None;
    assert_eq!(rig.volumes.collect().await.released, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn after_a_reboot_what_is_not_wanted_any_more_is_detached() {
    let mut rig = rig();
    rig.mount(1, "pv-0").await.unwrap();
    rig.reboot();
    rig.end(1);
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    rig.assert_nothing_left();
}

/// A copy of the original driver beside the controller-manager, which the node was taken
/// from too early.
#[tokio::test]
async fn what_the_controller_attaches_by_a_copy_of_its_own_is_not_mounted() {
    let others = || vec!["kubernetes.io/csi/x^y".to_owned(), "test/disks/pv".into()];
    for attach_required in [false, true] {
        let rig = rig();
        rig.cluster.known().driver.attach_required = attach_required;
        let attached = [others(), vec![format!("{LEGACY}/pv-9")]].concat();
        rig.cluster.known().controllers = Some(attached);
        let error = rig.mount(1, "pv-0").await.unwrap_err();
        assert!(
            matches!(&error, VolumeError::AttachedByController { driver, attached }
                if driver == LEGACY && attached == "test/disk/pv-9"),
            "{error}"
        );
        assert_eq!(rig.driver.count("NodeStageVolume"), 0);
        assert!(rig.cluster.known().wanted.is_empty());
        rig.assert_nothing_left();
        rig.cluster.known().controllers = Some(others());
        rig.mount(1, "pv-0").await.unwrap();
        // What is mounted is left alone.
        rig.cluster.known().controllers = Some(vec![format!("{LEGACY}/pv-0")]);
        rig.mount(1, "pv-0").await.unwrap();
        rig.unmount(1, "pv-0").await.unwrap();
        rig.assert_nothing_left();
    }
}

#[tokio::test]
async fn a_controller_that_attaches_meanwhile_is_seen_before_the_volume_is_staged() {
    let rig = rig();
    rig.cluster.known().controllers_then = Some(vec![format!("flexvolume-{LEGACY}/pv-0")]);
    let error = rig.mount(1, "pv-0").await.unwrap_err();
    assert!(
        matches!(error, VolumeError::AttachedByController { .. }),
        "{error}"
    );
    assert_eq!(rig.cluster.known().wanted.len(), 1);
    assert_eq!(rig.driver.count("NodeStageVolume"), 0);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn without_word_of_the_controller_nothing_is_mounted() {
    let rig = rig();
    rig.cluster.known().driver.attach_required = false;
    rig.cluster.known().controllers = None;
    let error = rig.mount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::Cluster(_)), "{error}");
    rig.assert_nothing_left();
    rig.cluster.known().controllers = Some(Vec::new());
    rig.mount(1, "pv-0").await.unwrap();
}
