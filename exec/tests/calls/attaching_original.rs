//! An original driver that attaches: every call is its own, without a daemon,
//! until the daemon sees nothing of it left. Only what the daemon has mounted is
//! not its to unmount.

use serde_json::{Value, json};

use crate::daemon::{Daemon, ORIGINAL, SUCCESS};
use crate::plugin::{
    EXPAND, MOUNT, Plugin, UNMOUNT, assert_fails, assert_success, failure, set_mode,
};

/// Answers `init` so, and every other call with its name; notes each call.
fn answering_init(answer: &str) -> String {
    format!(
        r#"echo "$1" >> "$(dirname "$0")/.calls"
        if [[ $1 == init ]]; then echo '{answer}'
        else echo "{{\"status\":\"Success\",\"message\":\"original $1\"}}"; fi"#
    )
}

const ATTACHES: &str = r#"{"status":"Success","capabilities":{"attach":true,"fsGroup":false}}"#;
const DOES_NOT: &str = r#"{"status":"Success","capabilities":{"attach":false,"fsGroup":true}}"#;

fn calls(plugin: &Plugin) -> Vec<String> {
    let calls = std::fs::read_to_string(plugin.file(".calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

#[test]
fn it_is_asked_once_and_keeps_its_capabilities() {
    let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
    let expected: Value = serde_json::from_str(ATTACHES).unwrap();
    assert_eq!(plugin.call(&["init"]), expected);
    assert_eq!(plugin.call(&["init"]), expected);
    assert_eq!(calls(&plugin), ["init"]);
    let kept = std::fs::read_to_string(plugin.file(".disk.orig.init.json")).unwrap();
    assert_eq!(kept, ATTACHES);
    // Kubelet looks at every name without a dot, and nothing is left half written.
    let names = [
        ".calls",
        ".disk.flex2csi.json",
        ".disk.orig",
        ".disk.orig.init.json",
        "disk",
    ];
    assert_eq!(plugin.names(), names);
}

#[test]
fn a_driver_that_does_not_say_attaches() {
    for answer in [
        r#"{"status":"Success"}"#,
        r#"{"status":"Success","capabilities":{}}"#,
        r#"{"status":"Success","capabilities":null}"#,
        r#"{"Status":"Success","Capabilities":{"Attach":true}}"#,
    ] {
        let plugin = Plugin::beside("unknown", &answering_init(answer));
        let init = plugin.call(&["init"]);
        assert_eq!(init["status"], "Success");
        // A null would crash kubelet, and a made-up one would change what it does.
        assert_ne!(init.get("capabilities"), Some(&Value::Null));
        assert_eq!(plugin.call(&MOUNT)["message"], "original mount", "{answer}");
    }
}

#[test]
fn every_call_is_the_originals() {
    for attaches in ["yes", "unknown"] {
        let plugin = Plugin::beside(attaches, &answering_init(ATTACHES));
        let daemon = plugin.served(ORIGINAL);
        for call in [
            &MOUNT[..],
            &UNMOUNT,
            &EXPAND,
            &["getvolumename", "{}"],
            &["attach", "{}", "node"],
            &["waitforattach", "/dev/x", "{}"],
            &["isattached", "{}", "node"],
            &["detach", "pv-1", "node"],
            &["mountdevice", "/k/plugins/x", "/dev/x", "{}"],
            &["unmountdevice", "/k/plugins/x"],
            &["expandvolume", "{}", "/k", "2", "1"],
            &["later"],
        ] {
            let expected = format!("original {}", call[0]);
            assert_eq!(plugin.call(call)["message"], expected);
        }
        let asked: Vec<Value> = daemon.requests().into_iter().collect();
        let asked: Vec<&Value> = asked.iter().map(|request| &request["call"]).collect();
        assert_eq!(asked, ["unmount"], "whose it is");
    }
}

/// From before a legacy installer put a driver that attaches over ours.
#[test]
fn what_the_daemon_has_mounted_is_not_left_to_it() {
    let plugin = Plugin::beside("yes", &answering_init(ATTACHES));
    let daemon = plugin.served(SUCCESS);
    assert_success(&plugin.call(&UNMOUNT));
    assert_eq!((daemon.lines().len(), calls(&plugin).len()), (1, 0));
    let plugin = Plugin::beside("yes", &answering_init(ATTACHES));
    let _daemon = plugin.served(r#"{"version":1,"answer":"failure","message":"busy"}"#);
    assert_fails(&plugin.call(&UNMOUNT), "busy");
    assert!(calls(&plugin).is_empty());
}

#[test]
fn one_that_does_not_attach_is_no_longer_asked_for_new_mounts() {
    let plugin = Plugin::beside("unknown", &answering_init(DOES_NOT));
    let daemon = plugin.served(SUCCESS);
    let expected = json!({"status": "Success", "capabilities": plugin.installed["capabilities"]});
    assert_eq!(plugin.call(&["init"]), expected);
    assert_success(&plugin.call(&MOUNT));
    assert_eq!(daemon.lines().len(), 1);
    assert_eq!(calls(&plugin), ["init"]);
}

/// Kubelet may call before it has seen that the driver has changed.
#[test]
fn whatever_comes_first_finds_out() {
    let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
    assert_eq!(plugin.call(&UNMOUNT)["message"], "original unmount");
    assert_eq!(calls(&plugin), ["init", "unmount"]);
}

#[test]
fn another_original_is_asked_again() {
    let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
    plugin.call(&["init"]);
    // Long enough for any clock that files have.
    std::thread::sleep(std::time::Duration::from_millis(20));
    plugin.put_original(&answering_init(DOES_NOT));
    assert_eq!(plugin.call(&["init"])["capabilities"]["attach"], false);
}

#[test]
fn what_was_not_kept_by_us_is_not_believed() {
    for (text, mode) in [
        ("{", 0o600),
        (DOES_NOT, 0o666),
        ("", 0o600),
        (r#"{"status":"Failure"}"#, 0o600),
    ] {
        let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
        let kept = plugin.file(".disk.orig.init.json");
        std::fs::write(&kept, text).unwrap();
        set_mode(&kept, mode);
        assert_eq!(
            plugin.call(&["init"])["capabilities"]["attach"],
            true,
            "{text}"
        );
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), ATTACHES);
    }
}

#[test]
fn it_answers_where_nothing_can_be_kept() {
    let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
    std::fs::create_dir(plugin.file(".disk.orig.init.json")).unwrap();
    for _ in 0..2 {
        assert_eq!(plugin.call(&["init"])["capabilities"]["attach"], true);
    }
    assert_eq!(calls(&plugin), ["init", "init"]);
    let left = plugin
        .names()
        .into_iter()
        .filter(|name| name.contains("init.json."));
    assert_eq!(left.count(), 0);
}

#[test]
fn many_may_ask_at_once() {
    let plugin = Plugin::beside("unknown", &answering_init(ATTACHES));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(plugin.call(&["init"])["capabilities"]["attach"], true));
        }
    });
    let kept = std::fs::read_to_string(plugin.file(".disk.orig.init.json")).unwrap();
    assert_eq!(kept, ATTACHES);
}

/// Nothing is known then; only an unmount goes on, for the daemon knows its own.
#[test]
fn one_that_fails_to_initialise_is_not_guessed_at() {
    for (script, expected) in [
        (
            r#"echo '{"status":"Failure","message":"no jq"}'"#,
            "fails to initialise: no jq",
        ),
        (
            r#"echo '{"status":"Not supported"}'"#,
            "fails to initialise",
        ),
        (
            r#"echo '{"status":"Success","capabilities":[]}'"#,
            "capabilities",
        ),
        (
            r#"echo '{"status":"Success","capabilities":{"attach":"true"}}'"#,
            "neither true nor false",
        ),
        ("exit 7", "said nothing (exit status: 7)"),
        ("sleep 100", "was killed"),
    ] {
        let mut plugin = Plugin::beside("unknown", script);
        if script.starts_with("sleep") {
            plugin.set("timeoutMs", json!(1500));
        }
        let daemon = plugin.served(SUCCESS);
        for call in [&["init"][..], &MOUNT, &["attach", "{}", "node"]] {
            let message = failure(&plugin.call(call));
            assert!(message.contains(expected), "{message}");
            assert!(message.contains(".disk.orig"), "{message}");
        }
        assert!(daemon.lines().is_empty());
        assert_success(&plugin.call(&UNMOUNT));
        assert_eq!(daemon.lines().len(), 1);
        assert!(!plugin.file(".disk.orig.init.json").exists());
    }
}

#[test]
fn not_supported_is_not_relayed_where_kubelet_would_keep_it() {
    let plugin = Plugin::beside("yes", r#"echo '{"status":"Not supported"}'"#);
    let daemon = Daemon::answering(&plugin.socket(), |request| {
        let done = request["originalDoesNot"] == true;
        (if done { SUCCESS } else { ORIGINAL }).to_owned()
    });
    for call in [&MOUNT[..], &UNMOUNT, &["unmountdevice", "/k/plugins/x"]] {
        assert_success(&plugin.call(call));
        let request = daemon.requests().pop().unwrap();
        assert_eq!(
            (&request["call"], &request["originalDoesNot"]),
            (&json!(call[0]), &json!(true))
        );
    }
    let asked = daemon.lines().len();
    let device = |device: &str| json!({"status": "Success", "device": device});
    assert_success(&plugin.call(&["getvolumename", "{}"]));
    assert_success(&plugin.call(&["detach", "pv-1", "node"]));
    assert_eq!(plugin.call(&["attach", "{}", "node"]), device(""));
    assert_eq!(
        plugin.call(&["waitforattach", "/dev/x", "{}"]),
        device("/dev/x")
    );
    assert_eq!(plugin.call(&["waitforattach", "", "{}"]), device(""));
    let attached = json!({"status": "Success", "attached": true});
    assert_eq!(plugin.call(&["isattached", "{}", "node"]), attached);
    assert_success(&plugin.call(&["mountdevice", "/k/plugins/x", "", "{}"]));
    // Kubelet alone can format a device, and grow what is on it.
    let not_supported = json!({"status": "Not supported"});
    assert_eq!(
        plugin.call(&["mountdevice", "/k/plugins/x", "/dev/x", "{}"]),
        not_supported
    );
    assert_eq!(plugin.call(&EXPAND), not_supported);
    assert_eq!(plugin.call(&["later"]), not_supported);
    assert_eq!(daemon.lines().len(), asked);
}

#[test]
fn what_the_daemon_does_instead_can_fail() {
    let plugin = Plugin::beside("yes", r#"echo '{"status":"Not supported"}'"#);
    let _daemon = plugin.served(r#"{"version":1,"answer":"failure","message":"not mounted"}"#);
    assert_fails(&plugin.call(&MOUNT), "not mounted");
    let plugin = Plugin::beside("yes", r#"echo '{"status":"Not supported"}'"#);
    let _daemon = plugin.served(ORIGINAL);
    assert_fails(&plugin.call(&MOUNT), "leaves it to the original");
    let plugin = Plugin::beside("yes", r#"echo '{"status":"Not supported"}'"#).hurried();
    assert_fails(
        &plugin.call(&UNMOUNT),
        "is the pod of flex2csi node running",
    );
}
