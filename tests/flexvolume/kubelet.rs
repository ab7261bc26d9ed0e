//! What kubelet does with a FlexVolume driver (kubernetes v1.36
//! `pkg/volume/flexvolume/{mounter,unmounter,driver-call}.go`).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flex2csi::mountinfo::MountTable;
use serde_json::{Map, Value, json};

use crate::cluster::{DRIVER, Volume};

/// A kubelet's directories.
#[derive(Debug, Clone)]
pub struct Kubelet {
    pub root: PathBuf,
    pub plugins: PathBuf,
}

/// A pod on the node.
#[derive(Debug, Clone)]
pub struct Pod {
    pub kubelet: Kubelet,
    pub name: String,
    pub uid: String,
    pub driver: String,
    pub read_only: bool,
    pub fs_group: Option<u32>,
}

/// How often something is mounted on a path.
pub fn mounts_on(path: &Path) -> usize {
    let table = MountTable::read().unwrap();
    table.iter().filter(|mount| mount.target == path).count()
}

impl Kubelet {
    pub fn pod(&self, name: &str) -> Pod {
        Pod {
            kubelet: self.clone(),
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            driver: DRIVER.to_owned(),
            read_only: false,
            fs_group: None,
        }
    }

    /// A driver's directory.
    pub fn directory(&self, driver: &str) -> PathBuf {
        self.plugins.join(driver.replace('/', "~"))
    }

    /// What kubelet runs for a driver.
    pub fn executable(&self, driver: &str) -> PathBuf {
        let name = driver.rsplit('/').next().unwrap();
        self.directory(driver).join(name)
    }

    /// Calls a driver, and gives its whole answer. Whatever it says, it is one JSON
    /// object and no more: kubelet takes stdout and stderr together for the answer,
    /// and on a failure of the process logs its arguments.
    #[track_caller]
    pub fn answer<A: AsRef<OsStr>>(&self, driver: &str, args: &[A]) -> Value {
        let output = Command::new(self.executable(driver))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(answer.is_object(), "{answer}");
        assert_ne!(answer["status"], "Not supported", "{answer}");
        answer
    }

    /// Calls a driver: its answer, or the message of its failure.
    #[track_caller]
    pub fn call<A: AsRef<OsStr>>(&self, driver: &str, args: &[A]) -> Result<Value, String> {
        let answer = self.answer(driver, args);
        if answer["status"] == "Success" {
            return Ok(answer);
        }
        assert_eq!(answer["status"], "Failure");
        let message = answer["message"].as_str().unwrap().to_owned();
        assert!(!message.is_empty());
        Err(message)
    }
}

impl Pod {
    /// Kubelet's directory of the pod.
    pub fn directory(&self) -> PathBuf {
        self.kubelet.root.join("pods").join(&self.uid)
    }

    /// Where the pod has a volume.
    pub fn target(&self, volume: &Volume) -> PathBuf {
        let driver = self.driver.replace('/', "~");
        self.directory()
            .join("volumes")
            .join(driver)
            .join(&volume.name)
    }

    /// The options of a `mount`.
    pub fn options(&self, volume: &Volume) -> Map<String, Value> {
        let mut all: BTreeMap<String, String> = volume.options.clone();
        let mut add = |key: &str, value: &str| {
            all.insert(format!("kubernetes.io/{key}"), value.to_owned());
        };
        add("fsType", "ext4");
        add("readwrite", if self.read_only { "ro" } else { "rw" });
        add("pvOrVolumeName", &volume.name);
        add("pod.name", &self.name);
        add("pod.namespace", "default");
        add("pod.uid", &self.uid);
        add("serviceAccount.name", "default");
        if let Some(group) = self.fs_group {
            add("mounterArgs.FsGroup", &group.to_string());
        }
        for (key, value) in &volume.secret {
            add(&format!("secret/{key}"), &STANDARD.encode(value));
        }
        all.into_iter()
            .map(|(key, value)| (key, json!(value)))
            .collect()
    }

    /// `SetUpAt`: what is mounted is not mounted again, and after a failure the
    /// directory is removed if that can be.
    #[track_caller]
    pub fn mount(&self, volume: &Volume) -> Result<(), String> {
        self.mount_with(volume, &Value::Object(self.options(volume)).to_string())
    }

    #[track_caller]
    pub fn mount_with(&self, volume: &Volume, options: &str) -> Result<(), String> {
        let target = self.target(volume);
        if mounts_on(&target) > 0 {
            return Ok(());
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o750).create(&target).unwrap();
        let args = ["mount", target.to_str().unwrap(), options];
        let mounted = self.kubelet.call(&self.driver, &args);
        if mounted.is_err() {
            let _ = std::fs::remove_dir(&target);
        }
        mounted.map(drop)
    }

    /// `TearDownAt`: what is not there is not unmounted, and the directory is removed
    /// if the driver has not done that.
    #[track_caller]
    pub fn unmount(&self, volume: &Volume) -> Result<(), String> {
        let target = self.target(volume);
        let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        if std::fs::metadata(&target).is_err_and(|error| gone(&error)) {
            return Ok(());
        }
        self.kubelet
            .call(&self.driver, &["unmount", target.to_str().unwrap()])?;
        match std::fs::remove_dir(&target) {
            Err(error) if !gone(&error) => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// Removes the directories of a pod that has ended; nothing may be in them.
    #[track_caller]
    pub fn end(&self) {
        let ended = self.try_end();
        ended.unwrap_or_else(|error| panic!("{}: {error}", self.directory().display()));
    }

    /// The same, if that can be.
    pub fn try_end(&self) -> std::io::Result<()> {
        match remove_empty(&self.directory()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            ended => ended,
        }
    }
}

fn remove_empty(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_empty(&path)?;
        }
    }
    std::fs::remove_dir(directory)
}
