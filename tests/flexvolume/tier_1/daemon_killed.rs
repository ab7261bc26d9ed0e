//! kill -9 of the daemon at every step: kubelet's next call puts it right, and so does
//! the daemon itself when kubelet gives up.

use std::fs;

use flex2csi::fault_points::{STEPS, Step};

use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;

/// The steps of mounting, or else those of unmounting. Attaching takes an API server,
/// so that here nothing comes to its steps.
fn steps(of_mount: bool) -> impl Iterator<Item = Step> {
    let here = |step: &&Step| !step.name().contains("tach.");
    let steps = STEPS.iter().filter(here).copied();
    steps.filter(move |step| step.is_of_mount() == of_mount)
}

fn dies_at(step: Step) {
    // Shown when the test fails.
    #[expect(clippy::print_stdout, reason = "tells at which step it failed")]
    {
        println!("killed at {}", step.name());
    }
}

/// A pod for whose group all files are to be.
fn pod(node: &Node, name: &str) -> Pod {
    Pod {
        fs_group: Some(4711),
        ..node.pod(name)
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn a_mount_is_made_again() {
    let node = Node::set_up();
    node.start_backend(&["--no-mount-group"]);
    let (volume, pod) = (node.volume("a"), pod(&node, "one"));
    for step in steps(true) {
        dies_at(step);
        node.start_daemon_dying_at(step);
        pod.mount(&volume).unwrap_err();
        node.daemon().is_killed();

        node.start_daemon();
        pod.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&pod]);
        fs::write(pod.target(&volume).join("file"), step.name()).unwrap();

        pod.unmount(&volume).unwrap();
        pod.end();
        node.assert_nothing_left();
        node.daemon().kill();
    }
}

/// Kubelet forgets a failed mount with its pod: it never unmounts what it believes was
/// never mounted. What is mounted at the pod's directory keeps that, and is found by
/// the next kubelet, which unmounts it.
#[test]
#[ignore = "needs root: mounts"]
fn a_mount_that_kubelet_gives_up_is_undone() {
    let node = Node::set_up();
    node.start_backend(&["--no-mount-group"]);
    let (volume, pod) = (node.volume("a"), pod(&node, "one"));
    for step in steps(true) {
        dies_at(step);
        node.start_daemon_dying_at(step);
        pod.mount(&volume).unwrap_err();
        node.daemon().is_killed();

        if mounts_on(&pod.target(&volume)) > 0 {
            node.start_daemon();
            pod.unmount(&volume).unwrap();
        }
        pod.end();
        node.start_daemon();
        node.comes_to_nothing_left();
        node.daemon().kill();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn an_unmount_is_made_again() {
    let node = Node::set_up();
    node.start_backend(&["--no-mount-group"]);
    let volume = node.volume("a");
    let pods = [pod(&node, "one"), pod(&node, "two")];
    for step in steps(false) {
        dies_at(step);
        node.start_daemon_dying_at(step);
        for pod in &pods {
            pod.mount(&volume).unwrap();
        }
        for pod in &pods {
            if pod.unmount(&volume).is_err() {
                node.daemon().is_killed();
                node.start_daemon();
                pod.unmount(&volume).unwrap();
            }
            pod.end();
        }
        // Where the directory was gone already, kubelet had nothing more to ask for.
        node.restart_daemon();
        node.comes_to_nothing_left();
        node.daemon().kill();
    }
}

/// What one pod had is undone; the other's is left alone.
#[test]
#[ignore = "needs root: mounts"]
fn an_unmount_that_was_cut_off_leaves_other_pods_alone() {
    let node = Node::set_up();
    node.start_backend(&["--no-mount-group"]);
    let volume = node.volume("a");
    let (one, other) = (pod(&node, "one"), pod(&node, "other"));
    for step in steps(false).take_while(|step| step.name() != "unstage.before") {
        dies_at(step);
        node.start_daemon_dying_at(step);
        other.mount(&volume).unwrap();
        one.mount(&volume).unwrap();
        one.unmount(&volume).unwrap_err();
        node.daemon().is_killed();

        node.start_daemon();
        one.unmount(&volume).unwrap();
        one.end();
        node.assert_mounted(&volume, &[&other]);
        other.unmount(&volume).unwrap();
        other.end();
        node.restart_daemon();
        node.comes_to_nothing_left();
        node.daemon().kill();
    }
}
