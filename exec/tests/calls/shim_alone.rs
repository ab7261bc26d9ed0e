//! A driver of which the node has nothing but ours.

use serde_json::json;

use crate::daemon::{Daemon, SUCCESS};
use crate::plugin::{DRIVER, EXPAND, MOUNT, Plugin, UNMOUNT, assert_fails, assert_success};

#[test]
fn mounts_go_to_the_daemon() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    for call in [&MOUNT[..], &UNMOUNT, &EXPAND] {
        assert_success(&plugin.call(call));
        let request = daemon.requests().pop().unwrap();
        assert_eq!(request["driver"], DRIVER);
        assert_eq!(request["call"], call[0]);
        assert_eq!(request["args"], json!(call[1..]));
        let told = request["timeoutMs"].as_u64().unwrap();
        assert!((1..10_000).contains(&told), "less than there is: {told}");
    }
}

#[test]
fn its_failures_are_told_with_the_calls_id() {
    let plugin = Plugin::alone();
    let daemon =
        plugin.served(r#"{"version":1,"answer":"failure","message":"no \"space\"\nleft"}"#);
    let answer = plugin.call(&MOUNT);
    assert_fails(&answer, "no \"space\"\nleft (request ");
    let id = daemon.requests()[0]["requestId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_fails(&answer, &id);
}

#[test]
fn an_id_that_the_daemon_names_is_not_named_again() {
    let plugin = Plugin::alone();
    let _daemon = Daemon::answering(&plugin.socket(), |request| {
        let message = format!("request {}: no", request["requestId"].as_str().unwrap());
        json!({"version": 1, "answer": "failure", "message": message}).to_string()
    });
    assert!(
        !plugin.call(&MOUNT)["message"]
            .as_str()
            .unwrap()
            .contains("(request")
    );
}

#[test]
fn a_failure_without_a_reason_says_where_to_look() {
    let plugin = Plugin::alone();
    let _daemon = plugin.served(r#"{"version":1,"answer":"failure"}"#);
    assert_fails(&plugin.call(&MOUNT), "see its log");
}

#[test]
fn a_message_of_any_length_fits_an_event() {
    let plugin = Plugin::alone();
    let _daemon = Daemon::answering(&plugin.socket(), |_| {
        json!({"version": 1, "answer": "failure", "message": "ä".repeat(100_000)}).to_string()
    });
    let message = plugin.call(&MOUNT)["message"].as_str().unwrap().to_owned();
    assert!(message.len() < 5000 && message.ends_with('…'));
}

/// Kubelet asks for the name again when it finds a volume after its restart, with
/// a volume that has nothing but a name; the daemon may not be there yet.
#[test]
fn the_name_of_a_volume_needs_no_daemon() {
    let plugin = Plugin::alone();
    let stub = r#"{"kubernetes.io/pvOrVolumeName":"pv-1"}"#;
    assert_success(&plugin.call(&["getvolumename", stub]));
    assert_success(&plugin.call(&["getvolumename"]));
}

/// "Not supported" to one of these would be remembered for all volumes.
#[test]
fn nothing_is_attached_and_nothing_called_not_supported() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    for call in [
        &["attach", "{}", "node"][..],
        &["waitforattach", "/dev/x", "{}"],
        &["isattached", "{}", "node"],
        &["detach", "pv-1", "node"],
        &["mountdevice", "/k/plugins/x", "/dev/x", "{}"],
        &["unmountdevice", "/k/plugins/x"],
    ] {
        assert_fails(&plugin.call(call), "no longer attached through FlexVolume");
    }
    assert_fails(
        &plugin.call(&["expandvolume", "{}", "/k", "2", "1"]),
        "expandfs",
    );
    assert!(daemon.lines().is_empty());
}

#[test]
fn a_call_that_nobody_knows_is_not_supported() {
    let plugin = Plugin::alone();
    for name in ["later", "Mount", "--help", "init "] {
        assert_eq!(plugin.call(&[name])["status"], "Not supported", "{name}");
    }
}

/// Kubelet serialises by volume, not by driver.
#[test]
fn many_calls_at_once_do_not_mix() {
    let plugin = Plugin::alone();
    let daemon = Daemon::answering(&plugin.socket(), |request| {
        let target = request["args"][0].as_str().unwrap();
        json!({"version": 1, "answer": "failure", "message": format!("of {target}.")}).to_string()
    });
    std::thread::scope(|scope| {
        for number in 0..32 {
            let plugin = &plugin;
            scope.spawn(move || {
                let target = format!("/k/pods/u{number}");
                assert_fails(
                    &plugin.call(&["unmount", &target]),
                    &format!("of {target}."),
                );
            });
        }
    });
    let mut ids: Vec<String> = daemon
        .requests()
        .iter()
        .map(|request| request["requestId"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 32);
}

#[test]
fn a_daemon_that_says_original_where_none_is_says_nonsense() {
    let plugin = Plugin::alone();
    let _daemon = plugin.served(crate::daemon::ORIGINAL);
    assert_fails(&plugin.call(&UNMOUNT), "none is kept here");
}
