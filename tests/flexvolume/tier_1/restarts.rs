//! A node that boots again, a kubelet that was restarted and knows nothing but paths,
//! and a daemon that ends as it should.

use std::fs;

use crate::cluster::{DRIVER, Volume};
use crate::kubelet::{Pod, mounts_on};
use crate::left;
use crate::node::Node;

/// What a boot does: all mounts are gone, and the boot has another id than the one
/// that is in the record.
fn boot(node: &Node) {
    node.daemon().kill();
    node.backend().kill();
    left::clean(&node.path(""));
    let this = flex2csi::node_record::boot_id().unwrap();
    for record in fs::read_dir(node.path("state/volumes")).unwrap() {
        let record = record.unwrap().path();
        let text = fs::read_to_string(&record).unwrap();
        let earlier = text.replace(&this, "11111111-2222-4333-8444-555555555555");
        assert_ne!(text, earlier, "{}", record.display());
        fs::write(record, earlier).unwrap();
    }
}

fn mounted() -> (Node, Volume, Pod) {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    pod.mount(&volume).unwrap();
    fs::write(pod.target(&volume).join("file"), "before").unwrap();
    (node, volume, pod)
}

#[test]
#[ignore = "needs root: mounts"]
fn after_a_reboot_all_is_mounted_anew() {
    let (node, volume, pod) = mounted();
    boot(&node);
    node.start_backend(&[]);
    node.start_daemon();
    assert_eq!(mounts_on(&pod.target(&volume)), 0);
    pod.mount(&volume).unwrap();
    node.assert_mounted(&volume, &[&pod]);
    let file = pod.target(&volume).join("file");
    assert_eq!(fs::read_to_string(file).unwrap(), "before");
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn after_a_reboot_what_is_not_wanted_any_more_is_forgotten() {
    let (node, volume, pod) = mounted();
    boot(&node);
    node.start_backend(&[]);
    node.start_daemon();
    // Kubelet finds the directory.
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();

    let (node, _, pod) = mounted();
    boot(&node);
    // Or has removed the pod before the daemon was there.
    pod.end();
    node.start_backend(&[]);
    node.start_daemon();
    node.comes_to_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_daemon_that_ends_leaves_mounts_alone() {
    let (node, volume, pod) = mounted();
    node.daemon().terminate();
    node.assert_mounted(&volume, &[&pod]);
    node.start_daemon();
    // Kubelet's own calls of the former process: it knows nothing of them.
    pod.mount(&volume).unwrap();
    node.assert_mounted(&volume, &[&pod]);
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// What is under way when it is told to end gets a little time, or is made again.
#[test]
#[ignore = "needs root: mounts"]
fn a_daemon_that_ends_in_a_call() {
    for fault in [
        "NodePublishVolume=slow:1s,recorded,times=1",
        "NodePublishVolume=hang,after,times=1",
    ] {
        let node = Node::start();
        let (volume, pod) = (node.volume("a"), node.pod("one"));
        node.faults(fault);
        std::thread::scope(|scope| {
            let mount = scope.spawn(|| pod.mount(&volume));
            node.comes_to(fault);
            node.daemon().terminate();
            assert_eq!(mount.join().unwrap().is_ok(), fault.contains("slow"));
        });
        node.start_daemon();
        pod.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&pod]);
        pod.unmount(&volume).unwrap();
        pod.end();
        node.assert_nothing_left();
    }
}

/// Kubelet boots before the daemon's pod.
#[test]
#[ignore = "needs root: mounts"]
fn without_the_daemon_init_is_answered_and_calls_say_what_is_missing() {
    let (node, volume, pod) = mounted();
    node.daemon().kill();
    let answer = node.kubelet.call(DRIVER, &["init"]).unwrap();
    assert_eq!(answer["capabilities"]["attach"], false);
    assert_eq!(answer["capabilities"]["fsGroup"], false);
    node.kubelet.call(DRIVER, &["getvolumename", "{}"]).unwrap();
    let error = pod.unmount(&volume).unwrap_err();
    assert!(error.contains("flex2csi node"), "{error}");
    node.assert_mounted(&volume, &[&pod]);
    node.start_daemon();
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// An empty record is no reason to let pods hang in Terminating.
#[test]
#[ignore = "needs root: mounts"]
fn without_its_state_it_unmounts_all_the_same() {
    let (node, volume, pod) = mounted();
    node.daemon().kill();
    fs::remove_dir_all(node.path("state")).unwrap();
    node.start_daemon();
    pod.unmount(&volume).unwrap();
    pod.end();
    assert_eq!(mounts_on(&pod.target(&volume)), 0);
    node.daemon().says("stands in no record");
}
