//! Calls as nobody should make them, and large ones.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use serde_json::json;

use crate::daemon::SUCCESS;
use crate::plugin::{EXPAND, MOUNT, Plugin, assert_fails, assert_success};

#[test]
fn without_a_call_it_says_what_it_is() {
    let plugin = Plugin::alone();
    assert_fails(&plugin.call(&[]), "kubelet calls");
    assert_fails(&plugin.call(&[""]), "kubelet calls");
}

#[test]
fn half_a_call_is_not_made() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    assert_fails(&plugin.call(&["mount"]), "without <mount dir>");
    assert_fails(&plugin.call(&MOUNT[..2]), "without <options>");
    assert_fails(&plugin.call(&["unmount"]), "without <mount dir>");
    assert_fails(&plugin.call(&EXPAND[..5]), "without <old size>");
    assert!(daemon.lines().is_empty());
}

#[test]
fn what_is_not_utf_8_is_said_by_its_place() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    let odd = OsStr::from_bytes(b"/k/pods/\xff\xfe");
    let answer = plugin.call_os([OsStr::new("unmount"), odd]);
    assert_fails(&answer, "argument 1 of the call is not UTF-8");
    assert!(daemon.lines().is_empty());
    assert_eq!(plugin.call_os([odd])["status"], "Not supported");
}

#[test]
fn an_original_gets_every_argument_as_it_is() {
    let script = r#"printf '%s\0' "$@" > "$(dirname "$0")/.args"; echo '{"status":"Success"}'"#;
    let plugin = Plugin::beside("yes", script);
    let args = ["mount", "", " two words ", "$(x) `y` \\ \" '", "line\nline"];
    let args = args
        .iter()
        .map(|arg| arg.as_bytes())
        .chain([&b"\xff\xfe"[..]]);
    let args: Vec<OsString> = args.map(|arg| OsStr::from_bytes(arg).to_owned()).collect();
    assert_success(&plugin.call_os(&args));
    let got = std::fs::read(plugin.file(".args")).unwrap();
    let expected = args.iter().flat_map(|arg| [arg.as_bytes(), b"\0"].concat());
    assert_eq!(got, expected.collect::<Vec<u8>>());
}

#[test]
fn the_longest_arguments_arrive_whole() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    // Linux takes 128 KiB, the NUL behind it included. JSON makes six bytes of a control character.
    for fill in ["x", "\"", "\u{1}"] {
        let options = fill.repeat((128 << 10) - 1);
        assert_success(&plugin.call(&["mount", "/dir", &options]));
        assert_eq!(
            daemon.requests().pop().unwrap()["args"],
            json!(["/dir", options])
        );
    }
}

#[test]
fn more_than_the_wire_takes_is_not_sent() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    let argument = "\u{1}".repeat((128 << 10) - 1);
    let mut args = vec!["mount", "/dir"];
    args.extend([&*argument; 6]);
    assert_fails(&plugin.call(&args), "options and secrets are too long");
    assert!(daemon.lines().is_empty());
}
