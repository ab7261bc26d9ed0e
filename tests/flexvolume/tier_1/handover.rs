//! Volumes that kubelet's CSI plugin takes over, and volumes that grow.

use std::fs;
use std::path::PathBuf;

use flex2csi::fault_points as points;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use serde_json::json;

use crate::cluster::{BACKEND, DRIVER, Volume};
use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;
use crate::process::until;

/// As kubelet's CSI plugin writes it for a pod.
fn held_by_csi(pod: &Pod, volume: &Volume) -> std::path::PathBuf {
    let directory = pod
        .directory()
        .join("volumes/kubernetes.io~csi")
        .join(&volume.name);
    fs::create_dir_all(&directory).unwrap();
    let data = json!({
        "driverName": BACKEND, "volumeHandle": volume.handle(), "specVolID": volume.name,
    });
    fs::write(directory.join("vol_data.json"), data.to_string()).unwrap();
    directory
}

/// The same, with what it has mounted by then; gives where.
fn published_by_csi(node: &Node, pod: &Pod, volume: &Volume) -> PathBuf {
    let target = held_by_csi(pod, volume).join("mount");
    fs::create_dir(&target).unwrap();
    mount_bind(node.staging(volume), &target).unwrap();
    target
}

/// The PersistentVolume was rewritten under the pod, and kubelet has published it once
/// more through CSI: it is kubelet's from then on, whenever the daemon dies.
#[test]
#[ignore = "needs root: mounts"]
fn what_kubelets_csi_plugin_has_published_is_forgotten() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let steps = [
        None,
        Some(points::RELEASE_BEFORE),
        Some(points::RELEASE_AFTER),
    ];
    for step in steps {
        pod.mount(&volume).unwrap();
        let target = published_by_csi(&node, &pod, &volume);
        if let Some(step) = step {
            node.daemon().kill();
            node.start_daemon_dying_at(step);
            pod.unmount(&volume).unwrap_err();
            node.daemon().is_killed();
            node.start_daemon();
        }
        pod.unmount(&volume).unwrap();
        assert_eq!(mounts_on(&pod.target(&volume)), 0);
        let records = node.path("state/volumes");
        until("it is forgotten", || {
            let mut records = fs::read_dir(&records).unwrap();
            records.next().is_none().then_some(())
        });
        node.restart_daemon();
        assert_eq!(mounts_on(&node.staging(&volume)), 1);
        assert_eq!(mounts_on(&target), 1);

        // Kubelet unpublishes it. It is rewritten back before kubelet has unstaged it.
        unmount(&target, UnmountFlags::empty()).unwrap();
        fs::remove_dir_all(target.parent().unwrap()).unwrap();
    }
    let other = node.pod("other");
    other.mount(&volume).unwrap();
    other.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// What kubelet has only begun to publish it may give up, and then nobody unstages it.
#[test]
#[ignore = "needs root: mounts"]
fn what_kubelets_csi_plugin_may_have_is_not_unstaged() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    pod.mount(&volume).unwrap();
    let directory = held_by_csi(&pod, &volume);
    pod.unmount(&volume).unwrap();
    assert_eq!(mounts_on(&pod.target(&volume)), 0);
    assert_eq!(mounts_on(&node.staging(&volume)), 1);
    node.restart_daemon();
    assert_eq!(mounts_on(&node.staging(&volume)), 1);

    // It is gone: what is staged has nobody any more.
    fs::remove_dir_all(directory).unwrap();
    node.restart_daemon();
    node.comes_to_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn what_kubelets_csi_plugin_has_is_not_mounted_beside_it() {
    let node = Node::start();
    let volume = node.volume("a");
    let (one, other) = (node.pod("one"), node.pod("other"));
    held_by_csi(&other, &volume);
    let error = one.mount(&volume).unwrap_err();
    assert!(
        error.contains("in use on this node through another"),
        "{error}"
    );
    node.assert_nothing_left();
}

fn expand(node: &Node, pod: &Pod, volume: &Volume, bytes: u64) -> Result<(), String> {
    let (target, bytes) = (pod.target(volume), bytes.to_string());
    let args = ["expandfs", "{}", "", target.to_str().unwrap(), &bytes, "0"];
    node.kubelet.call(DRIVER, &args).map(drop)
}

const SIZE: u64 = 128 << 20;

fn capacity(node: &Node) -> u64 {
    let record = fs::read(node.path("backend/volumes/vol-disk.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    record["capacity"].as_u64().unwrap()
}

fn with_a_disk(flags: &[&str]) -> (Node, Volume, Pod) {
    let node = Node::set_up();
    node.start_backend(&[&["--volume", "vol-disk=ext4:64Mi"], flags].concat());
    node.start_daemon();
    node.add(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "expander", "namespace": "admin"},
        "data": {},
    }));
    let (volume, pod) = (node.volume("disk"), node.pod("one"));
    pod.mount(&volume).unwrap();
    (node, volume, pod)
}

#[test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
fn a_volume_grows_with_its_claim() {
    let (node, volume, pod) = with_a_disk(&[]);
    node.faults("NodeExpandVolume=UNAVAILABLE,times=1");
    expand(&node, &pod, &volume, SIZE).unwrap_err();
    // Where root may not grow what is mounted, as in some sandboxes, it grows when it is
    // staged next.
    match expand(&node, &pod, &volume, SIZE) {
        Ok(()) => {}
        Err(error) => assert!(error.contains("CAP_SYS_RESOURCE"), "{error}"),
    }
    assert_eq!(capacity(&node), SIZE);
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// Kube-controller-manager has raised the PersistentVolume's capacity without growing
/// anything: what cannot be grown has to be said.
#[test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
fn without_the_drivers_controller_a_volume_does_not_grow() {
    let (node, volume, pod) = with_a_disk(&["--services", "node"]);
    let error = expand(&node, &pod, &volume, SIZE).unwrap_err();
    assert!(error.contains("flex2csi rewrite"), "{error}");
    assert_eq!(capacity(&node), 64 << 20);
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn what_is_not_mounted_does_not_grow() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    fs::create_dir_all(pod.target(&volume)).unwrap();
    let error = expand(&node, &pod, &volume, SIZE).unwrap_err();
    assert!(error.contains("nothing is mounted"), "{error}");
}
