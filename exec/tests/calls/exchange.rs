//! A daemon that is away, hangs, breaks off, or says what nobody understands:
//! always a failure that says what to do, never "Not supported".

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use flex2csi_exec::wire::LONGEST;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde_json::json;

use crate::daemon::{Daemon, SUCCESS, until_gone};
use crate::plugin::{MOUNT, Plugin, assert_fails, assert_success};

const RUNNING: &str = "is the pod of flex2csi node running";

#[test]
fn a_daemon_that_is_not_there() {
    let plugin = Plugin::alone().hurried();
    assert_fails(&plugin.call(&MOUNT), RUNNING);
    // Its socket is left behind when it is killed.
    drop(UnixListener::bind(plugin.socket()).unwrap());
    assert_fails(&plugin.call(&MOUNT), RUNNING);
    std::fs::remove_file(plugin.socket()).unwrap();
    std::fs::write(plugin.socket(), "").unwrap();
    assert_fails(&plugin.call(&MOUNT), RUNNING);
}

#[test]
fn a_daemon_that_is_being_replaced() {
    let plugin = Plugin::alone();
    drop(UnixListener::bind(plugin.socket()).unwrap());
    let socket = plugin.socket();
    let back = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        std::fs::remove_file(&socket).unwrap();
        thread::sleep(Duration::from_millis(300));
        Daemon::saying(&socket, SUCCESS)
    });
    assert_success(&plugin.call(&MOUNT));
    assert_eq!(back.join().unwrap().lines().len(), 1);
}

#[test]
fn a_daemon_that_says_nothing() {
    let plugin = Plugin::alone().hurried();
    let _daemon = Daemon::doing(&plugin.socket(), |stream, _| until_gone(stream));
    assert_fails(&plugin.call(&MOUNT), "did not answer in time");
}

#[test]
fn a_daemon_that_says_a_little_and_then_nothing() {
    let plugin = Plugin::alone().hurried();
    let _daemon = Daemon::doing(&plugin.socket(), |stream, _| {
        stream.write_all(&SUCCESS.as_bytes()[..20]).unwrap();
        until_gone(stream);
    });
    assert_fails(&plugin.call(&MOUNT), "did not answer in time");
}

/// Kubelet takes what it sees at the target for mounted when it is told that a mount
/// has failed, and so it is not told while that is being undone.
#[test]
fn a_daemon_that_is_still_at_it() {
    let mut plugin = Plugin::alone();
    plugin.set("timeoutMs", json!(1000));
    let _daemon = Daemon::doing(&plugin.socket(), |stream, _| {
        for _ in 0..30 {
            stream.write_all(b" ").unwrap();
            thread::sleep(Duration::from_millis(50));
        }
        stream.write_all(SUCCESS.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
    });
    assert_success(&plugin.call(&MOUNT));
}

#[test]
fn a_daemon_that_is_at_it_no_more() {
    let plugin = Plugin::alone().hurried();
    let _daemon = Daemon::doing(&plugin.socket(), |stream, _| {
        stream.write_all(b" ").unwrap();
        until_gone(stream);
    });
    assert_fails(&plugin.call(&MOUNT), "did not answer in time");
}

#[test]
fn a_daemon_that_does_not_read() {
    let plugin = Plugin::alone().hurried();
    let listener = UnixListener::bind(plugin.socket()).unwrap();
    // More than the socket's buffers hold.
    let options = "\u{1}".repeat(100_000);
    assert_fails(
        &plugin.call(&["mount", "/dir", &options]),
        "did not answer in time",
    );
    drop(listener);
}

#[test]
fn a_daemon_that_no_longer_accepts() {
    let plugin = Plugin::alone().hurried();
    let flags = SocketFlags::CLOEXEC;
    let listener =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    rustix::net::bind(&listener, &SocketAddrUnix::new(plugin.socket()).unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    // Takes the one place that there is.
    let _waiting = UnixStream::connect(plugin.socket()).unwrap();
    assert_fails(&plugin.call(&MOUNT), "too busy");
}

#[test]
fn a_daemon_that_is_killed_in_mid_call() {
    for said in [&b""[..], b"{\"version\":1,\"ans"] {
        let plugin = Plugin::alone();
        let _daemon = Daemon::doing(&plugin.socket(), move |stream, _| {
            stream.write_all(said).unwrap();
        });
        let answer = plugin.call(&MOUNT);
        assert_fails(&answer, "it is not known whether the call was done");
        assert_fails(&answer, RUNNING);
    }
}

#[test]
fn a_daemon_that_answers_before_it_has_read_all() {
    let plugin = Plugin::alone();
    let listener = UnixListener::bind(plugin.socket()).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let line = b"{\"version\":1,\"answer\":\"failure\",\"message\":\"too many calls\"}\n";
        stream.write_all(line).unwrap();
    });
    let options = "\u{1}".repeat(100_000);
    assert_fails(&plugin.call(&["mount", "/dir", &options]), "too many calls");
    daemon.join().unwrap();
}

#[test]
fn an_answer_without_an_end() {
    let plugin = Plugin::alone();
    let _daemon = Daemon::doing(&plugin.socket(), |stream, _| {
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
    });
    assert_fails(&plugin.call(&MOUNT), &format!("more than {LONGEST} bytes"));
}

#[test]
fn answers_that_are_none() {
    for line in [
        "",
        "s3cr3t",
        "null",
        "[]",
        "{}",
        "\0",
        r#"{"version":1}"#,
        r#"{"version":1,"answer":"s3cr3t"}"#,
        r#"{"version":1,"answer":"Success"}"#,
        r#"{"version":1,"answer":"success"}}"#,
        r#"{"version":1,"answer":"success","message":7}"#,
    ] {
        let plugin = Plugin::alone();
        let _daemon = plugin.served(line);
        let answer = plugin.call(&MOUNT);
        assert_fails(&answer, "bytes that are no answer");
        assert!(!answer.to_string().contains("s3cr3t"), "{answer}");
    }
}
