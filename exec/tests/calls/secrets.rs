//! Secrets are in the arguments of this call, and of the original's: kubelet put
//! them there. They are in nobody else's, and in no message.

use std::collections::BTreeSet;
use std::fs;

use crate::daemon::{Daemon, SUCCESS, until_gone};
use crate::plugin::{Plugin, failure};

const OPTIONS: &str = r#"{"kubernetes.io/secret/key":"czNjcjN0LW9mLXRoZS1leGVjLXRlc3Rz"}"#;
const SECRET: &str = "czNjcjN0LW9mLXRoZS1leGVjLXRlc3Rz";

/// The names of the processes that show it in `/proc/<pid>/cmdline`.
fn shown_by(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut names: Vec<String> = processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(SECRET) && line.contains(mark))
        .map(|line| line.split('\0').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    names.sort();
    names
}

#[test]
fn nobody_else_shows_them_while_the_daemon_is_asked() {
    let plugin = Plugin::alone();
    let mark = plugin.path().display().to_string();
    let (shown, seen) = std::sync::mpsc::channel();
    let shown = std::sync::Mutex::new(shown);
    let at = mark.clone();
    let _daemon = Daemon::doing(&plugin.socket(), move |stream, _| {
        shown.lock().unwrap().send(shown_by(&at)).unwrap();
        use std::io::Write as _;
        stream.write_all(format!("{SUCCESS}\n").as_bytes()).unwrap();
    });
    plugin.call(&["mount", &mark, OPTIONS]);
    let called = format!("{} mount", plugin.file("disk").display());
    assert_eq!(seen.recv().unwrap(), [called]);
}

#[test]
fn nobody_else_shows_them_while_the_original_runs() {
    let script = r#"[[ $1 == init ]] || { touch "$(dirname "$0")/.started"; read -r < "$(dirname "$0")/.go"; }
        echo '{"status":"Success"}'"#;
    let plugin = Plugin::beside("yes", script);
    let go = plugin.file(".go");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&go)
            .status()
            .unwrap()
            .success()
    );
    let mark = plugin.path().display().to_string();
    let shown = std::thread::scope(|scope| {
        let call = scope.spawn(|| plugin.call(&["mount", &mark, OPTIONS]));
        while !plugin.file(".started").exists() && !call.is_finished() {
            std::thread::yield_now();
        }
        let shown = shown_by(&mark);
        fs::write(&go, "\n").unwrap();
        assert_eq!(call.join().unwrap()["status"], "Success");
        shown
    });
    let expected = BTreeSet::from([
        format!("/bin/bash {}", plugin.file(".disk.orig").display()),
        format!("{} mount", plugin.file("disk").display()),
    ]);
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// Each way for a mount to fail.
#[test]
fn no_failure_tells_them() {
    let hurried = || Plugin::alone().hurried();
    let original = |script: &str| Plugin::beside("yes", script).hurried();
    let call = |plugin: &Plugin| {
        let answer = plugin.call(&["mount", "/dir", OPTIONS]);
        failure(&answer);
        let message = answer.to_string();
        assert!(!message.contains(SECRET), "{message}");
    };
    call(&hurried());
    let silent = hurried();
    let _silent = Daemon::doing(&silent.socket(), |stream, _| until_gone(stream));
    call(&silent);
    let echoing = hurried();
    let _echoing = Daemon::answering(&echoing.socket(), |request| request.to_string());
    call(&echoing);
    let damaged = hurried();
    fs::write(damaged.installed_file(), "{").unwrap();
    call(&damaged);
    call(&original(r#"echo "$3""#));
    call(&original(
        r#"echo "{\"status\":\"Failure\",\"message\":\"no\",\"options\":$3}""#,
    ));
    call(&original(r#"set -x; : "$3"; echo '{"status":"Success"}'"#));
    call(&original(r#"echo "$3" >&2; exit 1"#));
    call(&original(r#"echo "$3"; sleep 100"#));
}
