//! What may be at a pod's directory when kubelet calls.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::cluster::DRIVER;
use crate::kubelet::mounts_on;
use crate::node::Node;

fn tmpfs(at: &Path) {
    fs::create_dir_all(at).unwrap();
    mount("somebody", at, "tmpfs", MountFlags::empty(), None).unwrap();
}

#[test]
#[ignore = "needs root: mounts"]
fn what_was_never_mounted_is_unmounted() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let target = pod.target(&volume);
    let args = ["unmount", target.to_str().unwrap()];
    // Not even its directory is there.
    node.kubelet.call(DRIVER, &args).unwrap();
    fs::create_dir_all(&target).unwrap();
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn what_somebody_else_has_mounted_is_not_mounted_over() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let target = pod.target(&volume);
    tmpfs(&target);
    let options = serde_json::Value::Object(pod.options(&volume)).to_string();
    // As a kubelet that cannot tell calls it: `IsLikelyNotMountPoint` sees no bind
    // mounts of one filesystem before Linux 5.8.
    let args = ["mount", target.to_str().unwrap(), &options];
    let error = node.kubelet.call(DRIVER, &args).unwrap_err();
    assert!(error.contains("that flex2csi has not mounted"), "{error}");
    assert_eq!(mounts_on(&target), 1);
    // But a pod must be able to end.
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();
}

/// A call that is repeated although all is mounted.
#[test]
#[ignore = "needs root: mounts"]
fn what_is_mounted_is_not_mounted_again() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    pod.mount(&volume).unwrap();
    let options = serde_json::Value::Object(pod.options(&volume)).to_string();
    let target = pod.target(&volume);
    let args = ["mount", target.to_str().unwrap(), &options];
    node.kubelet.call(DRIVER, &args).unwrap();
    node.restart_daemon();
    node.kubelet.call(DRIVER, &args).unwrap();
    node.assert_mounted(&volume, &[&pod]);
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}

/// Files that a container wrote below an unmounted directory are somebody's.
#[test]
#[ignore = "needs root: mounts"]
fn files_in_the_directory_are_never_removed() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    pod.mount(&volume).unwrap();
    let target = pod.target(&volume);
    unmount(&target, UnmountFlags::empty()).unwrap();
    fs::write(target.join("precious"), "x").unwrap();
    pod.unmount(&volume).unwrap_err();
    assert!(target.join("precious").exists());
    fs::remove_file(target.join("precious")).unwrap();
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();
}

/// A FUSE mount whose process is gone: whoever looks at it gets ENOTCONN.
#[test]
#[ignore = "needs root: mounts FUSE"]
fn a_mount_that_does_not_answer() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    for is_ours in [true, false] {
        let target = pod.target(&volume);
        if is_ours {
            pod.mount(&volume).unwrap();
            unmount(&target, UnmountFlags::empty()).unwrap();
        }
        fs::create_dir_all(&target).unwrap();
        dead_fuse(&target);
        assert_eq!(
            fs::metadata(&target).unwrap_err().raw_os_error(),
            Some(rustix::io::Errno::NOTCONN.raw_os_error())
        );
        pod.unmount(&volume).unwrap();
        pod.end();
        node.assert_nothing_left();
    }
}

/// Mounts a FUSE filesystem that nobody serves.
fn dead_fuse(at: &Path) {
    // As fusermount does it: the one that opened the device serves what is mounted.
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .unwrap();
    let data = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        device.as_raw_fd()
    );
    let data = CString::new(data).unwrap();
    mount(
        "dead",
        at,
        "fuse",
        MountFlags::empty(),
        Some(data.as_c_str()),
    )
    .unwrap();
}
