//! Of somebody else.

use std::io::Read as _;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::daemon::SUCCESS;
use crate::plugin::{MOUNT, Plugin, UNMOUNT, assert_fails, assert_success, copy, set_mode};

const NOBODY: u32 = 65534;
const SOCKET: &str = "FLEX2CSI_TEST_SOCKET";

#[test]
#[ignore = "needs root: files of another user"]
fn files_of_somebody_else_are_not_believed() {
    let plugin = Plugin::alone();
    chown(plugin.installed_file(), Some(NOBODY), None).unwrap();
    assert_fails(
        &plugin.call(&["init"]),
        "it belongs to user 65534, not to root",
    );

    let plugin = Plugin::beside("yes", r#"echo '{"status":"Success"}'"#);
    chown(plugin.file(".disk.orig"), Some(NOBODY), None).unwrap();
    assert_fails(
        &plugin.call(&MOUNT),
        "it belongs to user 65534, not to root",
    );
    chown(plugin.file(".disk.orig"), Some(0), None).unwrap();

    // What it answered is asked again.
    plugin.call(&["init"]);
    let kept = plugin.file(".disk.orig.init.json");
    std::fs::write(
        &kept,
        r#"{"status":"Success","capabilities":{"attach":false}}"#,
    )
    .unwrap();
    chown(&kept, Some(NOBODY), None).unwrap();
    assert_eq!(plugin.call(&["init"]), json!({"status": "Success"}));
}

/// The socket is another process's, as another user: this test, started again.
#[test]
#[ignore = "needs root: a socket of another user"]
fn a_socket_of_somebody_else_gets_no_secret() {
    if let Some(socket) = std::env::var_os(SOCKET) {
        return listen(Path::new(&socket));
    }
    let mut plugin = Plugin::alone();
    let open = plugin.path().join("open");
    std::fs::create_dir(&open).unwrap();
    for (path, mode) in [(plugin.path(), 0o711), (&open, 0o777)] {
        set_mode(path, mode);
    }
    let (socket, listener) = (open.join("s"), plugin.path().join("listener"));
    copy(&std::env::current_exe().unwrap(), &listener);
    plugin.set("socket", json!(socket));

    let mut child = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(listener)
        .args([
            "--ignored",
            "--exact",
            "tier_1::a_socket_of_somebody_else_gets_no_secret",
        ])
        .env(SOCKET, &socket)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert_fails(&plugin.call(&MOUNT), "is served by user 65534, not by root");
    assert!(child.wait().unwrap().success(), "it was sent something");
}

fn listen(socket: &Path) {
    let (mut caller, _) = UnixListener::bind(socket).unwrap().accept().unwrap();
    let mut sent = Vec::new();
    caller.read_to_end(&mut sent).unwrap();
    assert_eq!(sent, b"");
}

/// As another user, root's daemon and root's files are as good.
#[test]
#[ignore = "needs root: to be another user"]
fn root_is_believed_by_everybody() {
    let plugin = Plugin::beside("no", "exit 1");
    let _daemon = plugin.served(SUCCESS);
    for path in [plugin.path(), &plugin.file("")] {
        set_mode(path, 0o755);
    }
    set_mode(plugin.socket(), 0o666);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(plugin.file("disk")).args(UNMOUNT);
    assert_success(&crate::plugin::answer(&mut command));
}
