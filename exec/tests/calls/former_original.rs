//! An original driver for which new mounts are no longer: it is called for those
//! that the daemon says are its own.

use serde_json::json;

use crate::daemon::{Daemon, ORIGINAL, SUCCESS};
use crate::plugin::{EXPAND, MOUNT, Plugin, UNMOUNT, assert_fails, assert_success};

const SAYS_SO: &str = r#"echo "{\"status\":\"Success\",\"message\":\"original $*\"}""#;
const NOT_SUPPORTED: &str = r#"echo '{"status":"Not supported"}'"#;

/// Leaves calls to the original, unless it does not support them.
fn leaving(plugin: &Plugin) -> Daemon {
    Daemon::answering(&plugin.socket(), |request| {
        let done = request["originalDoesNot"] == true;
        (if done { SUCCESS } else { ORIGINAL }).to_owned()
    })
}

#[test]
fn what_the_daemon_does_is_not_the_originals() {
    let plugin = Plugin::beside("no", r#"touch "$(dirname "$0")/.called""#);
    let _daemon = plugin.served(SUCCESS);
    for call in [&MOUNT[..], &UNMOUNT, &EXPAND, &["getvolumename", "{}"]] {
        assert_success(&plugin.call(call));
    }
    assert_fails(
        &plugin.call(&["attach", "{}", "node"]),
        "no longer attached",
    );
    assert!(!plugin.file(".called").exists());
}

#[test]
fn its_own_volumes_are_its_own() {
    let plugin = Plugin::beside("no", SAYS_SO);
    let daemon = leaving(&plugin);
    for call in [&MOUNT[..], &UNMOUNT, &EXPAND] {
        let expected = format!("original {}", call.join(" "));
        assert_eq!(plugin.call(call)["message"], expected);
    }
    assert_eq!(daemon.lines().len(), 3);
}

#[test]
fn its_failures_are_told_as_they_are() {
    let plugin = Plugin::beside(
        "no",
        r#"echo '{"status":"Failure","message":"busy","code":7}'"#,
    );
    let _daemon = leaving(&plugin);
    let expected = json!({"status": "Failure", "message": "busy"});
    assert_eq!(plugin.call(&UNMOUNT), expected);
}

/// Kubelet would no longer make the call for the volumes that are ours.
#[test]
fn not_supported_is_never_relayed() {
    let plugin = Plugin::beside("no", NOT_SUPPORTED);
    let daemon = leaving(&plugin);
    for call in [&MOUNT[..], &UNMOUNT] {
        assert_success(&plugin.call(call));
        assert_eq!(daemon.requests().pop().unwrap()["originalDoesNot"], true);
    }
    let ids = daemon.requests();
    assert_eq!(ids[0]["requestId"], ids[1]["requestId"], "one call, one id");
    assert_fails(&plugin.call(&EXPAND), "does not grow filesystems");
}

#[test]
fn a_failing_daemon_is_not_an_answer_to_whose_it_is() {
    let plugin = Plugin::beside("no", SAYS_SO).hurried();
    assert_fails(
        &plugin.call(&UNMOUNT),
        "is the pod of flex2csi node running",
    );
    assert_fails(&plugin.call(&MOUNT), "is the pod of flex2csi node running");
}
