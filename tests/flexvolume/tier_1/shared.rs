//! One volume, several pods; and how a pod wants it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use flex2csi::fault_points::STEPS;

use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;

#[test]
#[ignore = "needs root: mounts"]
fn the_last_pod_unstages() {
    let node = Node::start();
    let volume = node.volume("a");
    let (one, other) = (node.pod("one"), node.pod("other"));
    one.mount(&volume).unwrap();
    other.mount(&volume).unwrap();
    fs::write(one.target(&volume).join("file"), "x").unwrap();
    assert!(other.target(&volume).join("file").exists());
    node.assert_mounted(&volume, &[&one, &other]);
    let data = fs::read_to_string(node.staging(&volume).with_file_name("vol_data.json"));
    assert!(data.unwrap().contains("\"volumeHandle\":\"vol-a\""));
    one.unmount(&volume).unwrap();
    node.assert_mounted(&volume, &[&other]);
    other.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_pod_that_may_only_read() {
    let node = Node::start();
    let volume = node.volume("a");
    let writer = node.pod("writer");
    let reader = Pod {
        read_only: true,
        ..node.pod("reader")
    };
    reader.mount(&volume).unwrap();
    writer.mount(&volume).unwrap();
    assert!(node.mount_at(&reader.target(&volume)).is_readonly());
    assert!(!node.mount_at(&writer.target(&volume)).is_readonly());
    for pod in [&reader, &writer] {
        pod.unmount(&volume).unwrap();
    }
    node.assert_nothing_left();
}

/// They are not in the call: the PersistentVolume says them.
#[test]
#[ignore = "needs root: mounts"]
fn mount_options_of_the_persistent_volume() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let mut object = volume.object();
    object["spec"]["mountOptions"] = json!(["noexec", "nosuid"]);
    node.add(&object);
    pod.mount(&volume).unwrap();
    let mount = node.mount_at(&pod.target(&volume));
    assert!(
        mount.has_option("noexec") && mount.has_option("nosuid"),
        "{mount:?}"
    );
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_driver_without_staging() {
    let node = Node::set_up();
    node.start_backend(&["--no-staging"]);
    node.start_daemon();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    pod.mount(&volume).unwrap();
    assert_eq!(mounts_on(&pod.target(&volume)), 1);
    assert!(!node.staging(&volume).exists());
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// With a filesystem of its own, behind a loop device.
#[test]
#[ignore = "needs root: mounts, loop devices, e2fsprogs"]
fn a_filesystem_of_its_own() {
    let node = Node::set_up();
    node.start_backend(&["--volume", "vol-disk=ext4:64Mi"]);
    node.start_daemon();
    let (volume, pod) = (node.volume("disk"), node.pod("one"));
    pod.mount(&volume).unwrap();
    assert_eq!(node.mount_at(&pod.target(&volume)).fs_type, "ext4");
    node.restart_daemon();
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

const GROUP: u32 = 4711;

/// A node whose CSI driver leaves groups to the mounter, with a volume that has a file.
fn with_a_file() -> (Node, crate::cluster::Volume, Pod) {
    let node = Node::set_up();
    node.start_backend(&["--no-mount-group"]);
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    fs::write(node.path("backend/data/volumes/vol-a/file"), "x").unwrap();
    (
        node,
        volume,
        Pod {
            fs_group: Some(GROUP),
            ..pod
        },
    )
}

fn is_the_groups(pod: &Pod, volume: &crate::cluster::Volume) -> bool {
    let target = pod.target(volume);
    [target.clone(), target.join("file")].iter().all(|path| {
        let metadata = fs::metadata(path).unwrap();
        metadata.gid() == GROUP && metadata.mode() & 0o060 == 0o060
    })
}

#[test]
#[ignore = "needs root: mounts"]
fn files_are_given_to_the_pods_group() {
    let (node, volume, pod) = with_a_file();
    node.start_daemon();
    pod.mount(&volume).unwrap();
    assert!(is_the_groups(&pod, &volume));
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// Kubelet sees a mount, and does not call again: the daemon gives them by itself.
#[test]
#[ignore = "needs root: mounts"]
fn files_are_given_to_the_group_after_a_kill_in_between() {
    for name in ["publish.after", "ownership.before"] {
        let (node, volume, pod) = with_a_file();
        let step = STEPS.iter().find(|step| step.name() == name).unwrap();
        node.start_daemon_dying_at(*step);
        pod.mount(&volume).unwrap_err();
        node.daemon().is_killed();
        assert!(!is_the_groups(&pod, &volume));
        node.start_daemon();
        pod.mount(&volume).unwrap();
        crate::process::until("the files are the group's", || {
            is_the_groups(&pod, &volume).then_some(())
        });
        pod.unmount(&volume).unwrap();
        node.assert_nothing_left();
    }
}
