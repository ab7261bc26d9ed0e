//! The wire, as version 1 has it for ever.

use flex2csi_exec::installed::Installed;
use flex2csi_exec::wire::{Answer, Reply, Request};

use crate::daemon::{ORIGINAL, SUCCESS};
use crate::plugin::{MOUNT, Plugin, assert_fails, assert_success};

const MOUNT_1: &str = r#"{"version":1,"requestId":"ID","driver":"example.com/disk","call":"mount","args":["/k/pods/u1/volumes/example.com~disk/pv-1","{}"],"timeoutMs":TIME}"#;
const UNMOUNT_1: &str = r#"{"version":1,"requestId":"ID","driver":"example.com/disk","call":"unmount","args":["/a"],"timeoutMs":TIME,"originalDoesNot":true}"#;

/// A line as it was sent, without what differs from call to call.
fn settled(line: &str) -> String {
    let request: Request = serde_json::from_str(line).unwrap();
    line.trim_end_matches('\n')
        .replace(&request.request_id, "ID")
        .replace(
            &format!(r#""timeoutMs":{}"#, request.timeout_ms),
            r#""timeoutMs":TIME"#,
        )
}

#[test]
fn requests_are_those_of_version_1() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(SUCCESS);
    plugin.call(&MOUNT);
    assert_eq!(settled(&daemon.lines()[0]), MOUNT_1);

    let plugin = Plugin::beside("yes", r#"echo '{"status":"Not supported"}'"#);
    let daemon = plugin.served(ORIGINAL);
    plugin.call(&["unmount", "/a"]);
    // First whose it is, then what kubelet would do.
    assert_eq!(settled(&daemon.lines()[1]), UNMOUNT_1);
}

#[test]
fn requests_of_version_1_are_understood() {
    for (line, call, original_does_not) in [(MOUNT_1, "mount", false), (UNMOUNT_1, "unmount", true)]
    {
        let request: Request = serde_json::from_str(&line.replace("TIME", "110000")).unwrap();
        assert_eq!(
            (&*request.call, request.original_does_not),
            (call, original_does_not)
        );
        assert_eq!((request.version, request.timeout_ms), (1, 110_000));
    }
}

#[test]
fn replies_are_those_of_version_1() {
    let reply = |answer, message: &str| {
        let message = message.to_owned();
        serde_json::to_string(&Reply {
            version: 1,
            answer,
            message,
        })
        .unwrap()
    };
    assert_eq!(reply(Answer::Success, ""), SUCCESS);
    assert_eq!(reply(Answer::Original, ""), crate::daemon::ORIGINAL);
    assert_eq!(
        reply(Answer::Failure, "x"),
        r#"{"version":1,"answer":"failure","message":"x"}"#
    );
}

/// The JSON of docs/flexvolume-exec.md is what is written and sent.
#[test]
fn what_is_documented_is_read() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/flexvolume-exec.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let installed = blocks.next().unwrap();
    let read: Installed = serde_json::from_str(installed).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(
        written,
        serde_json::from_str::<serde_json::Value>(installed).unwrap()
    );
    let lines: Vec<&str> = blocks.next().unwrap().lines().collect();
    let request: Request = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), lines[0]);
    let reply: Reply = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(serde_json::to_string(&reply).unwrap(), lines[1]);
    assert!(blocks.next().is_none());
}

#[test]
fn a_newer_daemon_is_understood_as_far_as_it_goes() {
    let plugin = Plugin::alone();
    let daemon = plugin.served(r#"{"later":{"a":[]},"version":2,"answer":"success"}"#);
    assert_success(&plugin.call(&MOUNT));
    assert_eq!(daemon.lines().len(), 1);

    let plugin = Plugin::alone();
    let _daemon = plugin.served(r#"{"version":2,"answer":"later"}"#);
    assert_fails(
        &plugin.call(&MOUNT),
        "version 2 of the wire, and this exec binary knows 1",
    );
}
