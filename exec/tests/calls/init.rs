//! `init` is answered without the daemon, and wherever the executable is.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use serde_json::json;

use crate::plugin::{Plugin, answer, copy, executable};

#[test]
fn init_needs_no_daemon() {
    let plugin = Plugin::alone();
    let expected = json!({
        "status": "Success",
        "capabilities": {
            "attach": false, "selinuxRelabel": false, "supportsMetrics": true,
            "fsGroup": false, "requiresFSResize": true,
        },
    });
    assert_eq!(plugin.call(&["init"]), expected);
    // A former original changes nothing, and is not even called.
    let former = Plugin::beside("no", "exit 1");
    assert_eq!(former.call(&["init"]), expected);
    assert_eq!(
        former.names(),
        [".disk.flex2csi.json", ".disk.orig", "disk"]
    );
}

#[test]
fn a_link_counts_where_it_is() {
    let plugin = Plugin::alone();
    let elsewhere = plugin.path().join("flex2csi-exec");
    copy(&executable(), &elsewhere);
    std::fs::remove_file(plugin.file("disk")).unwrap();
    symlink(&elsewhere, plugin.file("disk")).unwrap();
    assert_eq!(plugin.call(&["init"])["status"], "Success");
}

#[test]
fn a_plugin_directory_may_be_a_link() {
    let plugin = Plugin::alone();
    let link = plugin.path().join("exec");
    symlink(plugin.path(), &link).unwrap();
    let called = link.join("example.com~disk/disk");
    assert_eq!(
        answer(Command::new(called).arg("init"))["status"],
        "Success"
    );
}

#[test]
fn other_ways_to_call_it_find_the_same_directory() {
    let plugin = Plugin::alone();
    let relative = answer(
        Command::new("./disk")
            .arg("init")
            .current_dir(plugin.file("")),
    );
    assert_eq!(relative["status"], "Success");
    // As a shell does that found it in PATH, and as somebody does who gives no name.
    for name in ["disk", ""] {
        let by_name = answer(Command::new(plugin.file("disk")).arg0(name).arg("init"));
        assert_eq!(by_name["status"], "Success");
    }
}

#[test]
fn more_arguments_do_not_matter() {
    assert_eq!(
        Plugin::alone().call(&["init", "", "x"])["status"],
        "Success"
    );
}
