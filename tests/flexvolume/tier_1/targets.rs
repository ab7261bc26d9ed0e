//! What may be at a pod's directory when kubelet calls.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::{Value, json};

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
    let options = Value::Object(pod.options(&volume)).to_string();
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
    let options = Value::Object(pod.options(&volume)).to_string();
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
    let Ok(fuse) = OpenOptions::new().read(true).write(true).open("/dev/fuse") else {
        println!("left out: this kernel has no /dev/fuse");
        return;
    };
    drop(fuse);
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let target = pod.target(&volume);
    fs::create_dir_all(&target).unwrap();
    dead_fuse(&target);
    let not_connected = rustix::io::Errno::NOTCONN.raw_os_error();
    let error = fs::metadata(&target).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(not_connected));
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();

    // In the place of what is recorded: whoever is asked to take that away says what
    // it finds, and nothing is lost.
    pod.mount(&volume).unwrap();
    unmount(&target, UnmountFlags::empty()).unwrap();
    dead_fuse(&target);
    node.restart_daemon();
    let error = pod.unmount(&volume).unwrap_err();
    assert!(error.contains("vol-a"), "{error}");
    unmount(&target, UnmountFlags::empty()).unwrap();
    pod.unmount(&volume).unwrap();
    pod.end();
    node.assert_nothing_left();
}

/// Kubelet's root is often a link, and kubelet and the daemon each know one of its names.
#[test]
#[ignore = "needs root: mounts"]
fn a_root_that_is_a_link() {
    for kubelet_says_the_link in [true, false] {
        let node = Node::set_up();
        let link = node.path("link");
        symlink(&node.kubelet.root, &link).unwrap();
        let (volume, mut pod) = (node.volume("a"), node.pod("one"));
        if kubelet_says_the_link {
            pod.kubelet.root = link;
        } else {
            node.configure(|config| config["kubelet"]["root"] = json!(link));
        }
        node.start_backend(&[]);
        node.start_daemon();
        pod.mount(&volume).unwrap();
        let real = node.pod("one").target(&volume);
        assert_eq!(mounts_on(&real), 1);
        node.restart_daemon();
        let options = Value::Object(pod.options(&volume)).to_string();
        let target = pod.target(&volume);
        let args = ["mount", target.to_str().unwrap(), &options];
        node.kubelet.call(DRIVER, &args).unwrap();
        assert_eq!(mounts_on(&real), 1);
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
