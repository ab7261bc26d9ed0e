//! Calls and surroundings that are wrong: it is said what, nothing is mounted, and
//! nothing is lost.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cluster::{DRIVER, Volume};
use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;

/// The longest argument is 128 KiB (execve(2), `MAX_ARG_STRLEN`), kubelet's own
/// options included.
const LONG: usize = 126 * 1024;

/// A volume whose handle is this.
fn volume_of(node: &Node, handle: &str) -> Volume {
    let mut volume = Volume::new("odd");
    volume.options.insert("id".into(), handle.into());
    node.add(&volume.object());
    volume
}

#[test]
#[ignore = "needs root: mounts"]
fn handles_of_any_kind() {
    let node = Node::start();
    let pod = node.pod("one");
    let long = "x".repeat(LONG);
    for handle in ["", "../../../etc", "a\0b", "a\nb", "a^b", &long] {
        let volume = volume_of(&node, handle);
        let error = pod.mount(&volume).unwrap_err();
        assert!(error.len() < 2000 && !error.contains('\0'), "{error}");
        node.assert_nothing_left();
    }
    let volume = node.volume("a");
    pod.mount(&volume).unwrap();
    pod.unmount(&volume).unwrap();
}

#[test]
#[ignore = "needs root: mounts"]
fn arguments_of_any_kind() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let target = pod.target(&volume);
    let good = Value::Object(pod.options(&volume)).to_string();
    fs::create_dir_all(&target).unwrap();
    let target = target.to_str().unwrap();
    let outside = target.replace("/pods/", "/other/");
    let deeper = format!("{target}/deeper");
    let above = format!("{target}/../../../../../../etc");
    let no_utf8 = OsStr::from_bytes(b"/\xff");
    let options = |options: &'static str| OsStr::new(options);
    for (target, options, expected) in [
        (no_utf8, options("{}"), "UTF-8"),
        (OsStr::new(target), no_utf8, "UTF-8"),
        (OsStr::new(target), options(""), "JSON"),
        (OsStr::new(target), options("[]"), "JSON"),
        (OsStr::new(target), options("{\"a\":1}"), "JSON"),
        (OsStr::new(target), options("{}"), "do not name the pod"),
        (OsStr::new("/etc"), OsStr::new(&good), "kubelet's root"),
        (OsStr::new(&outside), OsStr::new(&good), "kubelet's root"),
        (OsStr::new(&deeper), OsStr::new(&good), "kubelet's root"),
        (OsStr::new(&above), OsStr::new(&good), "kubelet's root"),
    ] {
        let args = [OsStr::new("mount"), target, options];
        let error = node.kubelet.call(DRIVER, &args).unwrap_err();
        assert!(error.contains(expected), "{error}");
        let unmount = [OsStr::new("unmount"), target];
        if target != OsStr::new(pod.target(&volume).as_os_str()) {
            node.kubelet.call(DRIVER, &unmount).unwrap_err();
        }
    }
    for args in [&["mount"][..], &["unmount"], &["mount", target], &[""], &[]] {
        node.kubelet.call(DRIVER, args).unwrap_err();
    }
    node.assert_nothing_left();
}

/// What a pod could put on the way to its volumes.
#[test]
#[ignore = "needs root: mounts"]
fn links_are_not_followed() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let elsewhere = node.path("elsewhere");
    fs::create_dir_all(elsewhere.join(&volume.name)).unwrap();
    let target = pod.target(&volume);
    let of_driver = target.parent().unwrap();
    for link in [of_driver, &target] {
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(
            elsewhere.join(if link == target { &volume.name } else { "" }),
            link,
        )
        .unwrap();
        let error = pod.mount(&volume).unwrap_err();
        assert!(error.contains("symbolic link"), "{error}");
        let args = ["unmount", target.to_str().unwrap()];
        let error = node.kubelet.call(DRIVER, &args).unwrap_err();
        assert!(error.contains("symbolic link"), "{error}");
        fs::create_dir_all(elsewhere.join(&volume.name)).unwrap();
        fs::remove_file(link).unwrap();
    }
    assert!(elsewhere.join(&volume.name).exists());
    node.assert_nothing_left();
}

/// The options are not those of the PersistentVolume that kubelet names.
#[test]
#[ignore = "needs root: mounts"]
fn another_volume_under_the_same_name() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let mut other = volume.clone();
    other.options.insert("id".into(), "vol-b".into());
    let error = pod.mount(&other).unwrap_err();
    assert!(error.contains("\"id\" has another value"), "{error}");
    let mut more = volume.clone();
    more.options.insert("password".into(), "s3cr3t".into());
    let error = pod.mount(&more).unwrap_err();
    assert!(
        error.contains("no option \"password\"") && !error.contains("s3cr3t"),
        "{error}"
    );
    let mut unknown = volume.clone();
    unknown.name = "pv-unknown".into();
    let error = pod.mount(&unknown).unwrap_err();
    assert!(error.contains("pv-unknown"), "{error}");
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_volume_that_is_rewritten_already() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let mut object = volume.object();
    object["spec"]["flexVolume"] = Value::Null;
    object["spec"]["csi"] = json!({"driver": "disk.example.com", "volumeHandle": "vol-a"});
    node.add(&object);
    let error = pod.mount(&volume).unwrap_err();
    assert!(error.contains("in CSI form already"), "{error}");
    node.assert_nothing_left();
}

/// A record that nobody wrote here keeps its own volume from being touched, and no
/// other.
#[test]
#[ignore = "needs root: mounts"]
fn a_planted_record() {
    let node = Node::start();
    let (a, b) = (node.volume("a"), node.volume("b"));
    let (one, other) = (node.pod("one"), node.pod("other"));
    one.mount(&a).unwrap();
    let directory = node.path("state/volumes");
    let record = fs::read_dir(&directory).unwrap().next().unwrap().unwrap();
    let good = fs::read_to_string(record.path()).unwrap();
    node.daemon().kill();
    for planted in [
        "",
        "{",
        &good.replace(one.target(&a).to_str().unwrap(), "/etc"),
        &good.replace("vol-a", "vol-b"),
    ] {
        fs::write(record.path(), planted).unwrap();
        node.start_daemon();
        other.mount(&b).unwrap();
        other.unmount(&b).unwrap();
        // It may be what the record was about.
        let error = one.unmount(&a).unwrap_err();
        assert!(error.contains("is not trusted"), "{error}");
        assert!(error.contains(record.path().to_str().unwrap()), "{error}");
        assert_eq!(mounts_on(&one.target(&a)), 1);
        assert_eq!(fs::read_to_string(record.path()).unwrap(), planted);
        node.daemon().kill();
    }
    fs::write(record.path(), good).unwrap();
    node.start_daemon();
    one.unmount(&a).unwrap();
    node.assert_nothing_left();
}

/// Runs a program of the system.
#[track_caller]
fn run(program: &str, args: &[&OsStr]) {
    let status = Command::new(program).args(args).status().unwrap();
    assert!(status.success(), "{program}: {status}");
}

/// A small filesystem, until the node is gone.
fn small_filesystem(at: &Path) {
    fs::create_dir_all(at).unwrap();
    let args = ["-t", "tmpfs", "-o", "size=256k,mode=700", "small"].map(OsStr::new);
    run("mount", &[&args[..], &[at.as_os_str()]].concat());
}

#[test]
#[ignore = "needs root: mounts"]
fn a_full_disk() {
    let node = Node::set_up();
    let state = node.path("state");
    small_filesystem(&state);
    node.start_backend(&[]);
    node.start_daemon();
    let (a, b) = (node.volume("a"), node.volume("b"));
    let pods: [Pod; 3] = ["one", "two", "three"].map(|name| node.pod(name));
    pods[0].mount(&a).unwrap();
    pods[1].mount(&a).unwrap();
    let filler = state.join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();

    // What cannot be recorded is not done.
    let error = pods[2].mount(&b).unwrap_err();
    assert!(error.contains("No space left"), "{error}");
    node.assert_mounted(&a, &[&pods[0], &pods[1]]);
    assert_eq!(mounts_on(&node.staging(&b)), 0);
    // What is to go goes all the same, and the daemon starts.
    let _ = pods[0].unmount(&a);
    assert_eq!(mounts_on(&pods[0].target(&a)), 0);
    node.restart_daemon();
    node.assert_mounted(&a, &[&pods[1]]);

    fs::remove_file(&filler).unwrap();
    pods[2].mount(&b).unwrap();
    for (pod, volume) in [(&pods[0], &a), (&pods[1], &a), (&pods[2], &b)] {
        pod.unmount(volume).unwrap();
        pod.end();
    }
    node.restart_daemon();
    crate::process::until("the record is empty", || {
        let mut records = fs::read_dir(state.join("volumes")).unwrap();
        records.next().is_none().then_some(())
    });
    assert_eq!(crate::left::mounts(&node.path("")), [state]);
}

#[test]
#[ignore = "needs root: mounts"]
fn a_plugin_directory_that_cannot_be_written() {
    let node = Node::set_up();
    let plugins = node.kubelet.plugins.as_os_str();
    run("mount", &["--bind".as_ref(), plugins, plugins]);
    run(
        "mount",
        &["-o".as_ref(), "remount,bind,ro".as_ref(), plugins],
    );
    node.start_backend(&[]);
    node.start_daemon_not_installed();
    node.daemon().says("is not served as it should be");
    assert!(node.daemon().log().contains("Read-only"));

    run(
        "mount",
        &["-o".as_ref(), "remount,bind,rw".as_ref(), plugins],
    );
    node.restart_daemon();
    run(
        "mount",
        &["-o".as_ref(), "remount,bind,ro".as_ref(), plugins],
    );
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    node.restart_daemon();
    pod.mount(&volume).unwrap();
    pod.unmount(&volume).unwrap();
    run("umount", &[plugins]);
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn two_daemons() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    let mut second = node.another_daemon();
    assert_eq!(second.ended().code(), Some(1));
    assert!(second.log().contains("flexvolume.sock"), "{}", second.log());
    pod.mount(&volume).unwrap();
    pod.unmount(&volume).unwrap();
    node.assert_nothing_left();
}
