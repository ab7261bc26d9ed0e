//! What kubelet gets to read, whatever happens.

use std::process::{Command, Stdio};

use crate::plugin::{MOUNT, Plugin, answer, assert_fails};

/// Kubelet was killed.
#[test]
fn nobody_has_to_listen() {
    let plugin = Plugin::alone();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = Command::new(plugin.file("disk"))
        .arg("init")
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let noise = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(noise, "");
}

#[test]
fn no_descriptor_has_to_be_open() {
    let plugin = Plugin::beside("yes", r#"echo '{"status":"Success"}'"#);
    let closed = |what: &str| {
        let script = format!(r#""$0" unmount /a {what}"#);
        let command = ["-c", &script].map(str::to_owned);
        Command::new("bash")
            .args(command)
            .arg(plugin.file("disk"))
            .output()
            .unwrap()
    };
    let output = closed("<&- 2>&-");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "{\"status\":\"Success\"}\n"
    );
    for what in [">&-", "<&- >&- 2>&-", "> /dev/full"] {
        let output = closed(what);
        assert!(output.status.success(), "{what}: {output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{what}");
    }
}

/// The trigger is in debug builds alone.
#[test]
fn a_panic_is_a_failure() {
    if std::env::var_os("FLEX2CSI_EXEC").is_some() {
        return;
    }
    let plugin = Plugin::alone();
    let mut command = Command::new(plugin.file("disk"));
    let answer = answer(command.args(MOUNT).env("FLEX2CSI_EXEC_PANIC", "1"));
    assert_fails(&answer, "panic.rs:");
    assert_fails(&answer, "report it");
}
