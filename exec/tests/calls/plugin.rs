//! A driver's directory, as the daemon leaves it.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::daemon::Daemon;

pub const DRIVER: &str = "example.com/disk";
pub const MOUNT: [&str; 3] = ["mount", "/k/pods/u1/volumes/example.com~disk/pv-1", "{}"];
pub const UNMOUNT: [&str; 2] = ["unmount", "/k/pods/u1/volumes/example.com~disk/pv-1"];
pub const EXPAND: [&str; 6] = ["expandfs", "{}", "", "/k/pods/u1/v", "2048", "1024"];

/// The executable under test.
pub fn executable() -> PathBuf {
    let other = std::env::var_os("FLEX2CSI_EXEC").map(PathBuf::from);
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_flex2csi-exec").into())
}

/// Copies a file. Not by this process: while it had the copy open for writing,
/// another test's child could inherit it, and nobody could run the copy.
pub fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// Sets the permissions of a file.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `example.com~disk/disk` in a directory of its own.
pub struct Plugin {
    root: TempDir,
    pub installed: Value,
}

impl Plugin {
    /// Only ours, with a socket that nobody serves.
    pub fn alone() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("example.com~disk")).unwrap();
        let installed = json!({
            "version": 1,
            "driver": DRIVER,
            "socket": root.path().join("node.sock"),
            "capabilities": {
                "attach": false, "selinuxRelabel": false, "supportsMetrics": true,
                "fsGroup": false, "requiresFSResize": true,
            },
            "timeoutMs": 10_000,
        });
        let plugin = Self { root, installed };
        copy(&executable(), &plugin.file("disk"));
        plugin.install();
        plugin
    }

    /// With an original driver, a bash script, of which the daemon knows so much.
    pub fn beside(attaches: &str, script: &str) -> Self {
        let mut plugin = Self::alone();
        plugin.put_original(script);
        plugin.set(
            "original",
            json!({"file": ".disk.orig", "attaches": attaches}),
        );
        plugin
    }

    pub fn put_original(&self, script: &str) {
        let draft = self.root.path().join("draft");
        std::fs::write(&draft, format!("#!/bin/bash\n{script}\n")).unwrap();
        set_mode(&draft, 0o755);
        copy(&draft, &self.file(".disk.orig"));
    }

    /// A file in the driver's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.path().join("example.com~disk").join(name)
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.root.path().join("node.sock")
    }

    pub fn installed_file(&self) -> PathBuf {
        self.file(".disk.flex2csi.json")
    }

    /// Changes a member of the installed file.
    pub fn set(&mut self, member: &str, value: Value) {
        self.installed[member] = value;
        self.install();
    }

    /// Gives calls little time.
    pub fn hurried(mut self) -> Self {
        self.set("timeoutMs", json!(200));
        self
    }

    fn install(&self) {
        let file = self.installed_file();
        std::fs::write(&file, self.installed.to_string()).unwrap();
        set_mode(&file, 0o644);
    }

    /// With a daemon that answers so.
    pub fn served(&self, answer: &'static str) -> Daemon {
        Daemon::saying(&self.socket(), answer)
    }

    /// Calls it by its full path, as kubelet does.
    pub fn call(&self, args: &[&str]) -> Value {
        self.call_os(args.iter().map(OsString::from))
    }

    pub fn call_os(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Value {
        answer(Command::new(self.file("disk")).args(args))
    }

    /// What is in the driver's directory.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.file("")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// What a call says: one JSON object on stdout, nothing on stderr, and 0.
pub fn answer(command: &mut Command) -> Value {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let noise = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text} {noise}", output.status);
    assert_eq!(noise, "", "beside {text}");
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?}"));
    assert!(answer.is_object(), "{text}");
    answer
}

/// The message of a failure.
#[track_caller]
pub fn failure(answer: &Value) -> String {
    assert_eq!(answer["status"], "Failure", "{answer}");
    answer["message"].as_str().unwrap().to_owned()
}

/// That it failed, and says so.
#[track_caller]
pub fn assert_fails(answer: &Value, expected: &str) {
    let message = failure(answer);
    assert!(message.contains(expected), "{message}");
}

#[track_caller]
pub fn assert_success(answer: &Value) {
    assert_eq!(answer, &json!({"status": "Success"}));
}
