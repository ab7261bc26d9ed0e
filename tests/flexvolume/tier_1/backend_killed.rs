//! kill -9 of the CSI driver around every call that it gets.

use crate::node::Node;

const IN_MOUNT: [&str; 8] = [
    "NodeGetCapabilities=hang,before",
    "NodeGetCapabilities=hang,after",
    "NodeStageVolume=hang,before",
    "NodeStageVolume=hang,recorded",
    "NodeStageVolume=hang,after",
    "NodePublishVolume=hang,before",
    "NodePublishVolume=hang,recorded",
    "NodePublishVolume=hang,after",
];
const IN_UNMOUNT: [&str; 4] = [
    "NodeUnpublishVolume=hang,before",
    "NodeUnpublishVolume=hang,after",
    "NodeUnstageVolume=hang,before",
    "NodeUnstageVolume=hang,after",
];

/// Makes a call of kubelet's in which the driver is killed, and another takes its
/// place. Gives how the call ended.
#[track_caller]
fn killed_in<T: Send>(node: &Node, fault: &str, call: impl FnOnce() -> T + Send) -> T {
    node.faults(fault);
    let ended = std::thread::scope(|scope| {
        let call = scope.spawn(call);
        node.comes_to(fault);
        node.backend().kill();
        call.join().unwrap()
    });
    node.faults("");
    node.start_backend(&[]);
    ended
}

#[test]
#[ignore = "needs root: mounts"]
fn in_a_mount_it_is_called_again() {
    for fault in IN_MOUNT {
        let node = Node::start();
        let (volume, pod) = (node.volume("a"), node.pod("one"));
        killed_in(&node, fault, || pod.mount(&volume)).unwrap_err();
        pod.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&pod]);
        pod.unmount(&volume).unwrap();
        pod.end();
        node.assert_nothing_left();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn in_a_mount_that_kubelet_gives_up_it_is_told_to_undo_it() {
    for fault in IN_MOUNT {
        let node = Node::start();
        let (volume, pod) = (node.volume("a"), node.pod("one"));
        killed_in(&node, fault, || pod.mount(&volume)).unwrap_err();
        if fault == "NodePublishVolume=hang,after" {
            // Kubelet sees a mount there, and so believes that all is well.
            pod.mount(&volume).unwrap();
            node.assert_mounted(&volume, &[&pod]);
            pod.unmount(&volume).unwrap();
        }
        pod.end();
        node.restart_daemon();
        node.comes_to_nothing_left();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn in_an_unmount_it_is_called_again() {
    for fault in IN_UNMOUNT {
        let node = Node::start();
        let (volume, pod) = (node.volume("a"), node.pod("one"));
        pod.mount(&volume).unwrap();
        let ended = killed_in(&node, fault, || pod.unmount(&volume));
        // Kubelet is not kept waiting for what concerns the pod no more.
        assert_eq!(ended.is_ok(), fault.starts_with("NodeUnstage"), "{ended:?}");
        pod.unmount(&volume).unwrap();
        pod.end();
        node.restart_daemon();
        node.comes_to_nothing_left();
    }
}

/// Whoever mounts next finds what a driver left half undone.
#[test]
#[ignore = "needs root: mounts"]
fn in_an_unmount_the_next_pod_mounts_all_the_same() {
    for fault in IN_UNMOUNT {
        let node = Node::start();
        let volume = node.volume("a");
        let (one, next) = (node.pod("one"), node.pod("next"));
        one.mount(&volume).unwrap();
        let _ = killed_in(&node, fault, || one.unmount(&volume));
        next.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&next]);
        for pod in [&one, &next] {
            pod.unmount(&volume).unwrap();
            pod.end();
        }
        node.restart_daemon();
        node.comes_to_nothing_left();
    }
}
