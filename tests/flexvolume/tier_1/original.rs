//! A driver that was there before: it keeps what it has, and CSI gets what is new.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cluster::{DRIVER, Volume};
use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;
use crate::process::until;

const SCRIPT: &str = include_str!("../original.sh");

/// A node with an original driver that attaches or not, and does not support some
/// calls. The daemon does not run yet.
fn node(attaches: bool, refuses: &str) -> Node {
    let node = Node::set_up();
    let directory = node.kubelet.directory(DRIVER);
    fs::create_dir(&directory).unwrap();
    let settings = format!("ATTACHES={attaches}\nREFUSES='{refuses}'\n");
    fs::write(directory.join(".original.conf"), settings).unwrap();
    install(&node);
    node.start_backend(&[]);
    node
}

/// What a legacy installer does.
fn install(node: &Node) {
    let executable = node.kubelet.executable(DRIVER);
    let new = executable.with_file_name(".new");
    fs::write(&new, SCRIPT).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, executable).unwrap();
}

/// The calls that the original got.
fn calls(node: &Node) -> Vec<String> {
    let calls = fs::read_to_string(node.kubelet.directory(DRIVER).join(".calls"));
    let calls = calls.unwrap_or_default();
    calls
        .lines()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

fn has_called(node: &Node, call: &str) -> bool {
    calls(node).iter().any(|called| called == call)
}

fn is_ours(node: &Node) -> bool {
    fs::read(node.kubelet.executable(DRIVER))
        .unwrap()
        .starts_with(b"\x7fELF")
}

/// Starts the daemon, and waits until kubelet's calls are ours.
#[track_caller]
fn take_over(node: &Node) {
    node.start_daemon();
    until("the exec binary is installed", || {
        is_ours(node).then_some(())
    });
}

fn is_of_original(node: &Node, target: &Path) -> bool {
    mounts_on(target) == 1 && node.mount_at(target).source == "of-the-original"
}

#[test]
#[ignore = "needs root: mounts"]
fn its_mounts_are_its_own_and_new_ones_are_csis() {
    let node = node(false, "");
    let (a, b) = (node.volume("a"), node.volume("b"));
    let (old, new) = (node.pod("old"), node.pod("new"));
    old.mount(&a).unwrap();
    take_over(&node);
    new.mount(&b).unwrap();
    node.assert_mounted(&b, &[&new]);
    new.unmount(&b).unwrap();
    assert!(is_of_original(&node, &old.target(&a)));
    assert!(!has_called(&node, "unmount"));

    old.unmount(&a).unwrap();
    assert!(has_called(&node, "unmount"));
    assert_eq!(mounts_on(&old.target(&a)), 0);
    // From now on this one is CSI's too.
    new.mount(&a).unwrap();
    node.assert_mounted(&a, &[&new]);
    new.unmount(&a).unwrap();
    node.assert_nothing_left();
}

/// Two drivers on one volume destroy it.
#[test]
#[ignore = "needs root: mounts"]
fn a_volume_that_it_has_stays_its_own() {
    let node = node(false, "");
    let a = node.volume("a");
    let (old, new) = (node.pod("old"), node.pod("new"));
    old.mount(&a).unwrap();
    take_over(&node);
    new.mount(&a).unwrap();
    assert!(is_of_original(&node, &new.target(&a)));
    for pod in [&old, &new] {
        pod.unmount(&a).unwrap();
    }
    assert_eq!(
        calls(&node)
            .iter()
            .filter(|call| *call == "unmount")
            .count(),
        2
    );
    node.assert_nothing_left();
}

/// Nothing is mounted yet, and will be.
#[test]
#[ignore = "needs root: mounts"]
fn a_volume_that_it_is_about_to_mount_is_waited_for() {
    let node = node(false, "");
    let a = node.volume("a");
    let (old, new) = (node.pod("old"), node.pod("new"));
    let wait = node.kubelet.directory(DRIVER).join(".wait");
    fs::write(&wait, "").unwrap();
    std::thread::scope(|scope| {
        let mounting = scope.spawn(|| old.mount(&a));
        until("the original is called", || {
            has_called(&node, "mount").then_some(())
        });
        take_over(&node);
        let error = new.mount(&a).unwrap_err();
        assert!(error.contains("may be mounting a"), "{error}");
        fs::remove_file(&wait).unwrap();
        mounting.join().unwrap().unwrap();
    });
    new.mount(&a).unwrap();
    for pod in [&old, &new] {
        assert!(is_of_original(&node, &pod.target(&a)));
        pod.unmount(&a).unwrap();
    }
    node.assert_nothing_left();
}

/// Kubelet has made all their directories before the first call is looked at.
#[test]
#[ignore = "needs root: mounts"]
fn pods_that_start_together_are_not_taken_for_its_own() {
    let node = node(false, "");
    take_over(&node);
    let a = node.volume("a");
    let pods: Vec<Pod> = (0..8).map(|number| node.pod(&number.to_string())).collect();
    std::thread::scope(|scope| {
        let mounting: Vec<_> = pods
            .iter()
            .map(|pod| scope.spawn(|| pod.mount(&a)))
            .collect();
        for mounting in mounting {
            mounting.join().unwrap().unwrap();
        }
    });
    node.assert_mounted(&a, &pods.iter().collect::<Vec<_>>());
    for pod in &pods {
        pod.unmount(&a).unwrap();
    }
    node.assert_nothing_left();
}

/// Kubelet would keep "Not supported" for all volumes of the driver.
#[test]
#[ignore = "needs root: mounts"]
fn what_it_does_not_support_is_done_as_kubelet_would() {
    let node = node(false, "unmount");
    let a = node.volume("a");
    let old = node.pod("old");
    old.mount(&a).unwrap();
    take_over(&node);
    old.unmount(&a).unwrap();
    old.end();
    node.assert_nothing_left();
}

/// Kubelet's directory for a device of the driver.
fn device(node: &Node, volume: &Volume) -> PathBuf {
    let devices = node.kubelet.root.join("plugins/kubernetes.io/flexvolume");
    devices.join(DRIVER).join("mounts").join(&volume.name)
}

/// Kubelet's `mountdevice`, and the reverse.
fn mount_device(node: &Node, volume: &Volume) {
    let directory = device(node, volume);
    fs::create_dir_all(&directory).unwrap();
    let args = ["mountdevice", directory.to_str().unwrap(), "/dev/x", "{}"];
    node.kubelet.call(DRIVER, &args).unwrap();
}

fn unmount_device(node: &Node, volume: &Volume) {
    let directory = device(node, volume);
    let args = ["unmountdevice", directory.to_str().unwrap()];
    node.kubelet.call(DRIVER, &args).unwrap();
    let _ = fs::remove_dir(directory);
}

fn attaches(node: &Node) -> bool {
    let answer = node.kubelet.call(DRIVER, &["init"]).unwrap();
    answer["capabilities"]["attach"].as_bool().unwrap()
}

#[test]
#[ignore = "needs root: mounts"]
fn one_that_attaches_keeps_all_calls_until_nothing_of_it_is_left() {
    let node = node(true, "");
    let (a, b) = (node.volume("a"), node.volume("b"));
    let (old, new) = (node.pod("old"), node.pod("new"));
    mount_device(&node, &a);
    old.mount(&a).unwrap();
    take_over(&node);
    assert!(attaches(&node));
    let answer = node
        .kubelet
        .call(DRIVER, &["attach", "{}", "node"])
        .unwrap();
    assert_eq!(answer["device"], "/dev/of-the-original");
    // New ones too: kubelet has attached them as the original's.
    new.mount(&b).unwrap();
    assert!(is_of_original(&node, &new.target(&b)));
    new.unmount(&b).unwrap();

    let executable = node.kubelet.executable(DRIVER);
    let before = fs::metadata(&executable).unwrap().ino();
    old.unmount(&a).unwrap();
    assert!(attaches(&node));
    unmount_device(&node, &a);
    until("the exec binary is put there anew", || {
        (fs::metadata(&executable).unwrap().ino() != before).then_some(())
    });
    assert!(!attaches(&node));
    let after = fs::metadata(&executable).unwrap().ino();
    new.mount(&b).unwrap();
    node.assert_mounted(&b, &[&new]);
    new.unmount(&b).unwrap();
    node.restart_daemon();
    assert_eq!(fs::metadata(&executable).unwrap().ino(), after, "one event");
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn one_that_attaches_and_leaves_mounting_to_kubelet() {
    let node = node(true, "mount unmount unmountdevice getvolumename");
    let (a, pod) = (node.volume("a"), node.pod("one"));
    mount_device(&node, &a);
    take_over(&node);
    assert!(attaches(&node));
    node.kubelet.call(DRIVER, &["getvolumename", "{}"]).unwrap();
    pod.mount(&a).unwrap();
    assert!(is_of_original(&node, &pod.target(&a)));
    pod.unmount(&a).unwrap();
    pod.end();
    unmount_device(&node, &a);
    assert_eq!(mounts_on(&device(&node, &a)), 0);
    assert!(!device(&node, &a).exists());
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_legacy_installer_does_not_get_it_back() {
    let node = node(false, "");
    let (a, pod) = (node.volume("a"), node.pod("one"));
    take_over(&node);
    pod.mount(&a).unwrap();
    install(&node);
    until("it is taken back", || is_ours(&node).then_some(()));
    node.daemon()
        .says("a legacy installer had put its driver over ours");
    pod.unmount(&a).unwrap();
    node.assert_nothing_left();
}

/// Without the driver kubelet could not end the pod.
#[test]
#[ignore = "needs root: mounts"]
fn it_is_there_again_when_no_pod_needs_ours() {
    let node = node(false, "");
    let (a, pod) = (node.volume("a"), node.pod("one"));
    take_over(&node);
    pod.mount(&a).unwrap();
    let drivers = |names: &[&str]| {
        let drivers: Vec<_> = names.iter().map(|name| json!({"driver": name})).collect();
        node.configure(|config| config["flexVolume"]["drivers"] = json!(drivers));
        node.daemon().hang_up();
    };
    drivers(&["test/other"]);
    node.daemon().says("not uninstalled yet");
    assert!(is_ours(&node));
    let other = node.kubelet.executable("test/other");
    until("the other one is installed", || {
        other.is_file().then_some(())
    });
    drivers(&[DRIVER]);
    until("the other one is gone", || (!other.exists()).then_some(()));

    drivers(&["test/other"]);
    pod.unmount(&a).unwrap();
    pod.end();
    node.assert_nothing_left();
    // It is tried again every minute, and by the next daemon.
    node.restart_daemon();
    until("the original is back", || (!is_ours(&node)).then_some(()));
    assert_eq!(
        fs::read_to_string(node.kubelet.executable(DRIVER)).unwrap(),
        SCRIPT
    );
}

/// A pod of an original that attaches and a daemon that was never there before.
#[test]
#[ignore = "needs root: mounts"]
fn its_pods_end_without_the_daemon_being_there() {
    let node = node(true, "");
    let a = node.volume("a");
    let old: Pod = node.pod("old");
    mount_device(&node, &a);
    old.mount(&a).unwrap();
    take_over(&node);
    assert!(attaches(&node));
    node.daemon().kill();
    old.unmount(&a).unwrap();
    unmount_device(&node, &a);
    assert_eq!(mounts_on(&old.target(&a)), 0);
}
