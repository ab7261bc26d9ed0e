//! A kubelet's directories, and its calls of a FlexVolume driver.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

/// The FlexVolume driver.
pub const DRIVER: &str = "huawei.com/fuxivol";
/// The CSI driver that its mapping says.
pub const CSI_DRIVER: &str = "disk.csi.everest.io";
/// How many volumes a pod has.
const OF_A_POD: usize = 4;

/// A kubelet's directories.
#[derive(Debug, Clone)]
pub struct Kubelet {
    pub root: PathBuf,
    pub plugins: PathBuf,
}

/// A volume's CSI handle.
pub fn handle(volume: usize) -> String {
    format!("6f1a0c4e-0d4b-4f3e-9c1c-{volume:012}")
}

/// A volume's PersistentVolume.
pub fn name(volume: usize) -> String {
    format!("pvc-0e3b4b52-1d9a-4f2c-8a57-{volume:012}")
}

/// Its pod's uid.
fn uid(volume: usize) -> String {
    format!("5d1e7f60-8b0c-4a52-9b6e-{:012}", volume / OF_A_POD)
}

/// Its PersistentVolume, as a cluster would have it.
pub fn persistent_volume(volume: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name(volume)},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": "default", "name": name(volume)},
            "flexVolume": {"driver": DRIVER, "fsType": "ext4", "options": options(volume)},
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "sas",
        },
    })
}

fn options(volume: usize) -> Value {
    json!({"disk-mode": "SCSI", "fsType": "ext4", "volumeID": handle(volume)})
}

impl Kubelet {
    /// Where kubelet calls the driver.
    pub fn executable(&self) -> PathBuf {
        self.plugins.join("huawei.com~fuxivol/fuxivol")
    }

    /// A pod's directory of a volume.
    pub fn target(&self, volume: usize) -> PathBuf {
        let pod = self.root.join("pods").join(uid(volume));
        pod.join("volumes/huawei.com~fuxivol").join(name(volume))
    }

    /// Where CSI stages it, as far from it as a benchmark needs.
    pub fn staging(&self, volume: usize) -> PathBuf {
        let staging = self.root.join("plugins/kubernetes.io/csi").join(CSI_DRIVER);
        staging.join(format!("plain-{volume}/globalmount"))
    }

    /// The words of a call that mounts a volume.
    pub fn mount_words(&self, volume: usize) -> Vec<String> {
        let mut all = options(volume);
        for (key, value) in [
            ("fsType", "ext4"),
            ("readwrite", "rw"),
            ("pvOrVolumeName", &name(volume)),
            ("pod.name", "web-0"),
            ("pod.namespace", "default"),
            ("pod.uid", &uid(volume)),
            ("serviceAccount.name", "default"),
        ] {
            all[format!("kubernetes.io/{key}")] = json!(value);
        }
        let target = self.target(volume).display().to_string();
        vec!["mount".to_owned(), target, all.to_string()]
    }

    /// The words of one that unmounts it.
    pub fn unmount_words(&self, volume: usize) -> Vec<String> {
        let target = self.target(volume).display().to_string();
        vec!["unmount".to_owned(), target]
    }
}

/// Calls a FlexVolume driver, as kubelet does.
pub fn call(executable: &Path, words: &[String]) -> anyhow::Result<()> {
    let output = Command::new(executable)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .with_context(|| executable.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(said.contains("\"Success\""), "{words:?}: {said}");
    Ok(())
}
