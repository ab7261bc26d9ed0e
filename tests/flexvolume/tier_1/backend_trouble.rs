//! A CSI driver that fails, hangs, or answers late.

use crate::cluster::Volume;
use crate::kubelet::Pod;
use crate::node::Node;
use crate::process::until;

/// A node whose calls may take a second.
fn in_a_hurry() -> (Node, Volume, Pod) {
    let node = Node::set_up();
    node.configure(|config| config["flexVolume"]["timeoutSeconds"] = 1.into());
    node.start_backend(&[]);
    node.start_daemon();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    (node, volume, pod)
}

/// Kubelet calls until it is done.
#[track_caller]
fn at_last(what: &str, mut call: impl FnMut() -> Result<(), String>) {
    until(what, || call().ok());
}

#[track_caller]
fn ends_well(node: &Node, volume: &Volume, pod: &Pod) {
    at_last("the volume is mounted", || pod.mount(volume));
    node.assert_mounted(volume, &[pod]);
    at_last("the volume is unmounted", || pod.unmount(volume));
    pod.end();
    node.restart_daemon();
    node.comes_to_nothing_left();
}

/// Codes of which nothing can be left (kubernetes `pkg/volume/csi/csi_client.go`,
/// `isFinalError`): all is undone before kubelet is answered, for it may never ask again.
#[test]
#[ignore = "needs root: mounts"]
fn after_an_error_that_is_final_nothing_is_left() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    for call in ["NodeStageVolume", "NodePublishVolume"] {
        for fault in ["INTERNAL", "INVALID_ARGUMENT", "INTERNAL,after"] {
            node.faults(&format!("{call}={fault}"));
            let error = pod.mount(&volume).unwrap_err();
            assert!(
                error.contains("vol-a") && error.contains("request"),
                "{error}"
            );
            node.assert_nothing_left();
        }
    }
    node.faults("");
    ends_well(&node, &volume, &pod);
}

#[test]
#[ignore = "needs root: mounts"]
fn what_other_pods_have_stays_when_a_mount_fails() {
    let node = Node::start();
    let (volume, one, other) = (node.volume("a"), node.pod("one"), node.pod("other"));
    other.mount(&volume).unwrap();
    for fault in ["NodeStageVolume=INTERNAL", "NodePublishVolume=INTERNAL"] {
        node.faults(fault);
        one.mount(&volume).unwrap_err();
        node.assert_mounted(&volume, &[&other]);
    }
    node.faults("");
    other.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// After the others something may be there, and it stays recorded.
#[test]
#[ignore = "needs root: mounts"]
fn after_an_error_that_is_not_final_it_is_tried_again() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    for call in ["NodeStageVolume", "NodePublishVolume"] {
        for code in ["CANCELLED", "UNAVAILABLE", "ABORTED", "UNAVAILABLE,after"] {
            node.faults(&format!("{call}={code},times=1"));
            pod.mount(&volume).unwrap_err();
            assert_ne!(node.left(), Vec::<String>::new());
            pod.mount(&volume).unwrap();
            node.assert_mounted(&volume, &[&pod]);
            pod.unmount(&volume).unwrap();
            node.assert_nothing_left();
        }
    }
    node.faults("NodeStageVolume=UNAVAILABLE,after");
    pod.mount(&volume).unwrap_err();
    pod.end();
    node.restart_daemon();
    node.comes_to_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn an_unmount_that_fails_is_made_again() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    for call in ["NodeUnpublishVolume", "NodeUnstageVolume"] {
        for fault in [
            "INTERNAL",
            "UNAVAILABLE",
            "INTERNAL,after",
            "UNAVAILABLE,after",
        ] {
            pod.mount(&volume).unwrap();
            node.faults(&format!("{call}={fault},times=1"));
            at_last("the volume is unmounted", || pod.unmount(&volume));
            pod.end();
            node.restart_daemon();
            node.comes_to_nothing_left();
        }
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn a_driver_that_hangs_is_called_again() {
    for fault in [
        "NodeGetCapabilities=hang,times=1",
        "NodeStageVolume=hang,times=1",
        "NodePublishVolume=hang,after,times=1",
        "NodeUnpublishVolume=hang,times=1",
        "NodeUnstageVolume=hang,after,times=1",
    ] {
        let (node, volume, pod) = in_a_hurry();
        node.faults(fault);
        ends_well(&node, &volume, &pod);
        node.comes_to(fault);
    }
}

/// What comes after its caller has gone is done all the same.
#[test]
#[ignore = "needs root: mounts"]
fn a_driver_that_is_late_is_not_lost_track_of() {
    for fault in [
        "NodeStageVolume=slow:1500ms,recorded,times=1",
        "NodePublishVolume=slow:1500ms,recorded,times=1",
    ] {
        let (node, volume, pod) = in_a_hurry();
        node.faults(fault);
        let error = pod.mount(&volume).unwrap_err();
        assert!(!error.is_empty());
        ends_well(&node, &volume, &pod);

        let (node, volume, pod) = in_a_hurry();
        node.faults(fault);
        pod.mount(&volume).unwrap_err();
        pod.end();
        node.restart_daemon();
        node.comes_to_nothing_left();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn a_driver_that_is_not_there_is_named() {
    let node = Node::start();
    let (a, b) = (node.volume("a"), node.volume("b"));
    let (one, other) = (node.pod("one"), node.pod("other"));
    one.mount(&a).unwrap();
    node.backend().kill();
    for error in [other.mount(&b).unwrap_err(), one.unmount(&a).unwrap_err()] {
        assert!(error.contains("disk.example.com"), "{error}");
        assert!(error.contains("csi.sock"), "{error}");
    }
    node.assert_mounted(&a, &[&one]);
    node.start_backend(&[]);
    one.unmount(&a).unwrap();
    node.assert_nothing_left();
}

/// One volume's trouble is no other's.
#[test]
#[ignore = "needs root: mounts"]
fn other_volumes_are_mounted_while_one_hangs() {
    let node = Node::start();
    let (a, b) = (node.volume("a"), node.volume("b"));
    let (one, other) = (node.pod("one"), node.pod("other"));
    let fault = "NodeStageVolume=hang,times=1";
    node.faults(fault);
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| one.mount(&a));
        node.comes_to(fault);
        other.mount(&b).unwrap();
        other.unmount(&b).unwrap();
        node.restart_backend(&[]);
        hanging.join().unwrap().unwrap_err();
    });
    ends_well(&node, &a, &one);
}
