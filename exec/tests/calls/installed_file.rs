//! The installed file is believed only if nobody else can have written it, and it
//! says what it must.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;

use crate::plugin::{MOUNT, Plugin, UNMOUNT, assert_fails, assert_success, set_mode};
use crate::{daemon::SUCCESS, plugin::failure};

/// Every call says the same of it, and nothing hangs or is guessed.
#[track_caller]
fn refuses(plugin: &Plugin, expected: &str) {
    let _daemon = (!plugin.socket().exists()).then(|| plugin.served(SUCCESS));
    for call in [
        &["init"][..],
        &MOUNT,
        &UNMOUNT,
        &["getvolumename", "{}"],
        &["other"],
    ] {
        let message = failure(&plugin.call(call));
        assert!(message.contains(expected), "{call:?}: {message}");
        assert!(message.contains("flex2csi node"), "what to do: {message}");
    }
}

#[test]
fn it_has_to_be_there() {
    let plugin = Plugin::alone();
    std::fs::remove_file(plugin.installed_file()).unwrap();
    refuses(&plugin, ".disk.flex2csi.json is missing");
}

#[test]
fn nobody_else_may_write_it() {
    for mode in [0o666, 0o662, 0o660] {
        let plugin = Plugin::alone();
        set_mode(plugin.installed_file(), mode);
        refuses(&plugin, "lets others write it");
    }
}

#[test]
fn it_is_a_file_of_its_own() {
    let plugin = Plugin::alone();
    let target = plugin.path().join("target.json");
    std::fs::rename(plugin.installed_file(), &target).unwrap();
    symlink(&target, plugin.installed_file()).unwrap();
    refuses(&plugin, "symbolic link");

    std::fs::remove_file(plugin.installed_file()).unwrap();
    std::fs::create_dir(plugin.installed_file()).unwrap();
    refuses(&plugin, "no regular file");

    // Nobody ever writes into it.
    std::fs::remove_dir(plugin.installed_file()).unwrap();
    let made = Command::new("mkfifo")
        .arg(plugin.installed_file())
        .status()
        .unwrap();
    assert!(made.success());
    refuses(&plugin, "no regular file");
}

#[test]
fn half_of_it_is_none() {
    let plugin = Plugin::alone();
    let whole = plugin.installed.to_string();
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "\0\0\0\0",
        &whole[..whole.len() - 1],
    ] {
        std::fs::write(plugin.installed_file(), text).unwrap();
        refuses(&plugin, "is damaged");
    }
    std::fs::write(plugin.installed_file(), whole + &" ".repeat(1 << 20)).unwrap();
    refuses(&plugin, "is longer than 65536 bytes");
}

#[test]
fn a_newer_one_is_left_to_newer_binaries() {
    let plugin = Plugin::alone();
    std::fs::write(
        plugin.installed_file(),
        r#"{"version": 2, "driver": ["other form"]}"#,
    )
    .unwrap();
    refuses(&plugin, "has version 2, and this exec binary knows 1");
}

#[test]
fn members_of_later_versions_do_not_matter() {
    let mut plugin = Plugin::alone();
    plugin.set("later", json!({"a": [1]}));
    assert_eq!(plugin.call(&["init"])["status"], "Success");
}

#[test]
fn what_cannot_be_meant_is_damage() {
    for (member, value, expected) in [
        ("version", json!(0), "version is 0"),
        ("version", json!(-1), "is damaged"),
        (
            "driver",
            json!("example.com/other"),
            "it is for example.com/other",
        ),
        ("socket", json!("node.sock"), "no absolute path"),
        ("timeoutMs", json!(0), "timeoutMs is 0"),
        ("timeoutMs", json!("1"), "is damaged"),
        ("capabilities", json!({"attach": false}), "is damaged"),
        (
            "original",
            json!({"file": ".disk.orig", "attaches": "maybe"}),
            "is damaged",
        ),
        // It would call itself without end, or somebody else's program.
        (
            "original",
            json!({"file": "disk", "attaches": "yes"}),
            "original.file",
        ),
        (
            "original",
            json!({"file": "../x~y/y", "attaches": "yes"}),
            "original.file",
        ),
        (
            "original",
            json!({"file": "/bin/sh", "attaches": "yes"}),
            "original.file",
        ),
        (
            "original",
            json!({"file": "..", "attaches": "yes"}),
            "original.file",
        ),
        (
            "original",
            json!({"file": "", "attaches": "yes"}),
            "original.file",
        ),
        (
            "original",
            json!({"file": "a\0b", "attaches": "yes"}),
            "original.file",
        ),
    ] {
        let mut plugin = Plugin::alone();
        plugin.set(member, value);
        refuses(&plugin, expected);
    }
}

#[test]
fn any_time_can_be_waited_for() {
    let mut plugin = Plugin::beside("yes", r#"echo '{"status":"Success"}'"#);
    plugin.set("timeoutMs", json!(u64::MAX));
    assert_success(&plugin.call(&MOUNT));
    plugin.set("original", json!(null));
    let _daemon = plugin.served(SUCCESS);
    assert_success(&plugin.call(&MOUNT));
}

#[test]
fn a_socket_path_that_is_too_long_is_said() {
    let mut plugin = Plugin::alone();
    plugin.set("socket", json!(format!("/{}", "x".repeat(200))));
    assert_fails(&plugin.call(&MOUNT), "can be no socket");
}
