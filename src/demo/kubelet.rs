//! What kubelet does with a FlexVolume driver (kubernetes
//! `pkg/volume/flexvolume/driver-call.go`, v1.36).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use tokio::process::Command;

/// A kubelet's directories.
#[derive(Debug, Clone)]
pub(super) struct Kubelet {
    /// Its root.
    pub root: PathBuf,
    /// Where it looks for drivers.
    pub plugins: PathBuf,
}

/// A pod with a volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod<'a> {
    pub name: &'a str,
    pub uid: &'a str,
}

impl Kubelet {
    /// Where a pod has a volume of a driver.
    pub fn directory(&self, pod: Pod<'_>, driver: &str, volume: &str) -> PathBuf {
        let directory = driver.replace('/', "~");
        let pod = self.root.join("pods").join(pod.uid);
        pod.join("volumes").join(directory).join(volume)
    }

    /// Where a pod has a volume of the CSI plugin.
    pub fn csi_directory(&self, pod: Pod<'_>, volume: &str) -> PathBuf {
        let pod = self.root.join("pods").join(pod.uid);
        pod.join("volumes/kubernetes.io~csi")
            .join(volume)
            .join("mount")
    }

    /// Calls a driver, and gives its answer.
    ///
    /// # Errors
    /// It answers anything but success.
    pub async fn call(&self, driver: &str, args: &[&str]) -> anyhow::Result<Value> {
        let name = driver.rsplit('/').next().unwrap_or(driver);
        let executable = self.plugins.join(driver.replace('/', "~")).join(name);
        let output = Command::new(&executable)
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("cannot run {}", executable.display()))?;
        // Kubelet takes both together for the answer.
        let said = [output.stdout, output.stderr].concat();
        let answer: Value = serde_json::from_slice(&said)
            .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(&said)))?;
        if answer["status"] == "Success" && output.status.success() {
            return Ok(answer);
        }
        let message = answer["message"].as_str().unwrap_or_default();
        bail!("{} answers {}: {message}", driver, answer["status"])
    }

    /// `mount`, with the directory made before as kubelet makes it.
    pub async fn mount(
        &self,
        pod: Pod<'_>,
        driver: &str,
        volume: &str,
        options: &Map<String, Value>,
    ) -> anyhow::Result<PathBuf> {
        let directory = self.directory(pod, driver, volume);
        std::fs::create_dir_all(&directory)?;
        let mut all = options.clone();
        for (key, value) in [
            ("fsType", ""),
            ("readwrite", "rw"),
            ("pvOrVolumeName", volume),
            ("pod.name", pod.name),
            ("pod.namespace", "default"),
            ("pod.uid", pod.uid),
            ("serviceAccount.name", "default"),
        ] {
            all.insert(format!("kubernetes.io/{key}"), json!(value));
        }
        let options = Value::Object(all).to_string();
        self.call(driver, &["mount", text(&directory)?, &options])
            .await?;
        Ok(directory)
    }

    /// `unmount`, with the directories removed after as kubelet removes them.
    pub async fn unmount(&self, pod: Pod<'_>, driver: &str, volume: &str) -> anyhow::Result<()> {
        let directory = self.directory(pod, driver, volume);
        self.call(driver, &["unmount", text(&directory)?]).await?;
        self.forget(pod)
    }

    /// Removes the directories of a pod that has ended, none of which may hold anything.
    pub fn forget(&self, pod: Pod<'_>) -> anyhow::Result<()> {
        let pod = self.root.join("pods").join(pod.uid);
        remove_empty(&pod).with_context(|| format!("{} is not empty", pod.display()))
    }
}

/// A path for a call.
pub(super) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Removes a directory that has nothing but directories in it.
fn remove_empty(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_empty(&path)?;
        }
    }
    std::fs::remove_dir(directory)
}
