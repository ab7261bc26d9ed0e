//! What an original driver can do to us. Kubelet reads its stdout and stderr as
//! one, which have to be one JSON object.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::plugin::{MOUNT, Plugin, UNMOUNT, assert_fails, assert_success, failure, set_mode};

const SUCCESS: &str = r#"echo '{"status":"Success"}'"#;

fn original(script: &str) -> Plugin {
    Plugin::beside("yes", script)
}

#[test]
fn one_json_object_is_an_answer() {
    let relayed = json!({"status": "Success", "device": "/dev/x", "volumeNewSize": 9_007_199_254_740_993_i64});
    for script in [
        r#"echo '{"status":"Success","device":"/dev/x","volumeNewSize":9007199254740993}'"#,
        r#"printf '\n\t {"status":"Success",\n"device":"/dev/x",\n"volumeNewSize":9007199254740993}\n\n'"#,
        r#"echo '{"status":"Success","device":"/dev/x","volumeNewSize":9007199254740993}' >&2"#,
        r#"printf '{"status":"Success",' >&2; echo '"device":"/dev/x","volumeNewSize":9007199254740993}'"#,
        r#"printf '{"status":"Success",'; sleep 0.1; exec >&2; echo '"device":"/dev/x","volumeNewSize":9007199254740993}'"#,
    ] {
        assert_eq!(original(script).call(&MOUNT), relayed, "{script}");
    }
    // Go does not mind the case of names.
    let answer = original(r#"echo '{"STATUS":"Success"}'"#).call(&MOUNT);
    assert_eq!(answer, json!({"STATUS": "Success"}));
}

#[test]
fn anything_else_is_a_failure() {
    for (script, expected) in [
        ("true", "said nothing"),
        ("echo", "said nothing"),
        ("echo mounting", "not one JSON object"),
        (r#"echo '[]'"#, "not one JSON object"),
        (r#"echo '"Success"'"#, "not one JSON object"),
        (r#"echo '{}'"#, "without a status"),
        (
            r#"echo '{"status":true,"message":"x"}'"#,
            "without a status",
        ),
        (
            r#"echo 'mounting'; echo '{"status":"Success"}'"#,
            "not one JSON object",
        ),
        (
            r#"echo '{"status":"Success"}'; echo 'warning: x' >&2"#,
            "not one JSON object",
        ),
        (
            r#"echo '{"status":"Success"}{"status":"Success"}'"#,
            "not one JSON object",
        ),
        (r#"echo '{"status":"Success"'"#, "not one JSON object"),
        (r#"printf '\xff\xfe'"#, "not one JSON object"),
        (r#"printf '[%.0s' {1..100000}"#, "not one JSON object"),
        (
            r#"head -c 3000000 /dev/zero"#,
            "said more than 1048576 bytes",
        ),
        ("kill -9 $$", "signal: 9"),
    ] {
        let answer = original(script).call(&MOUNT);
        assert_fails(&answer, expected);
        assert_fails(&answer, ".disk.orig");
    }
}

#[test]
fn other_words_than_success_are_failures_as_they_are() {
    for answer in [
        json!({"status": "success"}),
        json!({"status": "not supported"}),
        json!({"status": "Failure", "message": "no such volume"}),
    ] {
        let script = format!("echo '{answer}'");
        assert_eq!(original(&script).call(&MOUNT), answer);
    }
}

/// Whatever it exits with, we exit with 0, or kubelet would log its arguments.
#[test]
fn its_exit_status_counts_as_with_kubelet() {
    let failed = original(r#"echo '{"status":"Failure","message":"busy"}'; exit 1"#);
    assert_eq!(
        failed.call(&MOUNT),
        json!({"status": "Failure", "message": "busy"})
    );
    let contradiction = original(r#"echo '{"status":"Success"}'; exit 3"#);
    assert_fails(
        &contradiction.call(&MOUNT),
        "says Success and fails (exit status: 3)",
    );
    let unsupported = original(r#"echo '{"status":"Not supported"}'; exit 1"#);
    assert_success(&unsupported.call(&["getvolumename", "{}"]));
    assert_fails(&original("exit 1").call(&MOUNT), "exit status: 1");
}

#[test]
fn it_reads_nothing_and_finds_its_own_place() {
    let plugin = original(
        r#"[[ $(cat) == "" && $PWD == "$HERE" && -e "$(dirname "$0")/disk" ]] && echo '{"status":"Success"}'"#,
    );
    let mut command = std::process::Command::new(plugin.file("disk"));
    let command = command.args(MOUNT).current_dir("/tmp").env("HERE", "/tmp");
    assert_success(&crate::plugin::answer(command));
}

#[test]
fn it_has_to_be_there_and_runnable() {
    let plugin = original(SUCCESS);
    set_mode(plugin.file(".disk.orig"), 0o644);
    assert_fails(&plugin.call(&MOUNT), "see that it is executable");
    plugin.put_original(SUCCESS);
    assert_fails(&plugin.call(&MOUNT), "see that it is executable");
    fs::remove_file(plugin.file(".disk.orig")).unwrap();
    assert_fails(&plugin.call(&MOUNT), "is not there");
    fs::create_dir(plugin.file(".disk.orig")).unwrap();
    assert_fails(&plugin.call(&MOUNT), "no regular file");
}

#[test]
fn what_it_needs_has_to_be_there() {
    let plugin = original("");
    fs::write(plugin.file(".disk.orig"), "#!/no/such/interpreter\n").unwrap();
    assert_fails(&plugin.call(&MOUNT), "what it needs is there");
}

#[test]
fn nobody_else_may_write_it() {
    let plugin = original(SUCCESS);
    for mode in [0o777, 0o775] {
        set_mode(plugin.file(".disk.orig"), mode);
        let message = failure(&plugin.call(&MOUNT));
        assert!(message.contains("lets others write it"), "{message}");
        assert!(message.contains("chmod"), "{message}");
    }
}

#[test]
fn it_may_be_a_link() {
    let plugin = original(SUCCESS);
    let elsewhere = plugin.path().join("vendor-driver");
    fs::rename(plugin.file(".disk.orig"), &elsewhere).unwrap();
    symlink(&elsewhere, plugin.file(".disk.orig")).unwrap();
    assert_success(&plugin.call(&MOUNT));
}

/// Linked to each other, they would call each other for ever.
#[test]
fn it_is_not_ourselves() {
    let plugin = original("");
    fs::remove_file(plugin.file(".disk.orig")).unwrap();
    symlink("disk", plugin.file(".disk.orig")).unwrap();
    assert_fails(&plugin.call(&MOUNT), "..disk.orig.flex2csi.json is missing");
}

/// Waits until a process is gone, or only waits to be reaped.
fn until_gone(pid: &str) {
    loop {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim()
            .chars()
            .next();
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn pid(plugin: &Plugin) -> String {
    fs::read_to_string(plugin.file(".pid"))
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn one_that_hangs_is_killed_with_all_that_it_started() {
    for script in [
        r#"sleep 100 & echo $! > "$(dirname "$0")/.pid"; wait"#,
        // Asked to end, it does not.
        r#"trap '' TERM; sleep 100 & echo $! > "$(dirname "$0")/.pid"; wait; wait; sleep 100"#,
        r#"sleep 100 & echo $! > "$(dirname "$0")/.pid"; exec >&- 2>&-; wait"#,
        r#"sleep 100 & echo $! > "$(dirname "$0")/.pid"; echo '{"status":"Success"}'; wait"#,
        r#"sleep 100 & echo $! > "$(dirname "$0")/.pid"; while echo; do :; done"#,
    ] {
        std::thread::scope(|scope| {
            for call in [&["init"][..], &UNMOUNT] {
                scope.spawn(move || {
                    let mut plugin = original(script);
                    // The call has five times as long.
                    let time = if call[0] == "init" { 1000 } else { 200 };
                    plugin.set("timeoutMs", json!(time));
                    assert_fails(&plugin.call(call), "was killed");
                    until_gone(&pid(&plugin));
                });
            }
        });
    }
}

/// A FUSE daemon that does not close what it was started with: kubelet would wait
/// for its end.
#[test]
fn what_it_leaves_running_stays_and_is_not_waited_for() {
    let plugin =
        original(r#"sleep 100 & echo $! > "$(dirname "$0")/.pid"; echo '{"status":"Success"}'"#);
    assert_success(&plugin.call(&MOUNT));
    let left = pid(&plugin);
    assert!(
        fs::read_to_string(format!("/proc/{left}/cmdline"))
            .unwrap()
            .contains("sleep")
    );
    let pid = rustix::process::Pid::from_raw(left.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();

    let silent = original(r#"sleep 100 & echo $! > "$(dirname "$0")/.pid""#);
    assert_fails(&silent.call(&MOUNT), "said nothing");
    let pid = rustix::process::Pid::from_raw(self::pid(&silent).parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn what_it_leaves_running_may_still_answer() {
    let script = r#"(sleep 0.2; echo '{"status":"Success"}') & exit 0"#;
    assert_success(&original(script).call(&MOUNT));
}
