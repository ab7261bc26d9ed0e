//! Signals, sent to this process and to a copy of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio_stream::StreamExt as _;

use super::*;
use crate::daemon::run;

#[tokio::test]
async fn a_hangup_is_noticed() {
    let mut hangups = hangups().unwrap();
    kill_process(getpid(), Signal::HUP).unwrap();
    assert_eq!(hangups.next().await, Some(()));
}

/// Set in the copy of this test that gets the signals.
const COPY: &str = "FLEX2CSI_TEST_GETS_SIGNALS";

#[test]
fn the_first_signal_shuts_down_and_the_second_ends_at_once() {
    if std::env::var_os(COPY).is_some() {
        return daemon_that_never_ends();
    }
    for (first, second, code) in [
        (Signal::TERM, Signal::TERM, 128 + 15),
        (Signal::INT, Signal::TERM, 128 + 15),
        (Signal::TERM, Signal::INT, 128 + 2),
    ] {
        let mut copy = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("daemon::signals::tests::the_first_signal_shuts_down_and_the_second_ends_at_once")
            .env(COPY, "")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&copy);
        let mut said = BufReader::new(copy.stderr.take().unwrap()).lines();
        let mut wait_for = |word: &str| said.by_ref().map(Result::unwrap).any(|line| line == word);
        assert!(wait_for("started"));
        kill_process(pid, first).unwrap();
        assert!(wait_for("shutting down"));
        kill_process(pid, second).unwrap();
        let status = copy.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(code), None));
    }
}

/// Says what happens to it and stays.
fn daemon_that_never_ends() {
    let say = |word: &str| writeln!(std::io::stderr(), "{word}").unwrap();
    let ended: anyhow::Result<()> = run(async |shutdown| {
        say("started");
        shutdown.cancelled().await;
        say("shutting down");
        std::future::pending().await
    });
    panic!("{ended:?}");
}

#[test]
fn a_blocking_call_that_hangs_does_not_keep_the_process() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let ended = run(async |_| {
        tokio::task::spawn_blocking(move || held.recv());
        Ok(7)
    });
    assert_eq!(ended.unwrap(), 7);
    drop(hold);
}
