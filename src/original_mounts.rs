//! What an original FlexVolume driver has mounted on this node: all that is
//! mounted at the driver's directories and is not in the daemon's record.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::installation::{FlexDriver, device_directories};

/// What an original driver has on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginalMounts {
    /// In pods.
    pub pods: Vec<OriginalMount>,
    /// Devices, where it attaches: kubelet's directories of them, which end in the
    /// PersistentVolume's name.
    pub devices: Vec<PathBuf>,
}

/// A volume of a pod that an original driver has mounted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginalMount {
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// The PersistentVolume, or the pod's name for an inline volume.
    pub volume: String,
    /// The pod.
    #[serde(rename = "podUID")]
    pub pod_uid: String,
    /// Where it is.
    pub target: PathBuf,
}

impl OriginalMounts {
    /// Looks for what `driver` has, but for the targets that the daemon's record has.
    /// Nothing is asked of what is mounted: a dead server would not answer.
    ///
    /// `are_mounted` is asked where something is that is not recorded, and then
    /// `recorded` once more: what the daemon has mounted meanwhile it recorded before.
    ///
    /// # Errors
    /// Kubelet's directories cannot be read.
    pub fn find(
        kubelet_root: &Path,
        driver: &FlexDriver,
        are_mounted: impl FnOnce(&[PathBuf]) -> io::Result<Vec<bool>>,
        recorded: impl Fn() -> BTreeSet<PathBuf>,
    ) -> io::Result<Self> {
        let root = match fs_err::canonicalize(kubelet_root) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let known = recorded();
        let mut found = Vec::new();
        for pod in entries(&root.join("pods"))? {
            let Some(pod_uid) = pod.name.to_str() else {
                continue;
            };
            let volumes = pod.path.join("volumes").join(driver.directory());
            for volume in entries(&volumes)? {
                let target = kubelet_root
                    .join("pods")
                    .join(pod_uid)
                    .join("volumes")
                    .join(driver.directory())
                    .join(&volume.name);
                if !known.contains(&target) && !known.contains(&volume.path) {
                    let mount = OriginalMount {
                        driver: driver.to_string(),
                        volume: volume.name.to_string_lossy().into_owned(),
                        pod_uid: pod_uid.to_owned(),
                        target,
                    };
                    found.push((volume, mount));
                }
            }
        }
        let devices = device_directories(&root, driver)?;
        if found.is_empty() && devices.is_empty() {
            return Ok(Self::default());
        }
        let targets = found.iter().map(|(volume, _)| volume.path.clone());
        let paths: Vec<PathBuf> = targets.chain(devices.iter().cloned()).collect();
        let mut mounted = are_mounted(&paths)?.into_iter();
        let known = recorded();
        let mut pods = Vec::new();
        for (volume, mount) in found {
            let is_mounted = mounted.next().unwrap_or_default();
            let is_ours = known.contains(&mount.target) || known.contains(&volume.path);
            if !is_ours && (is_mounted || volume.holds_something()?) {
                pods.push(mount);
            }
        }
        pods.sort();
        let devices = devices.into_iter().zip(mounted);
        let devices = devices.filter(|(_, is_mounted)| *is_mounted);
        let devices = devices.map(|(device, _)| device).collect();
        Ok(Self { pods, devices })
    }

    /// Whether the mount at a target is the original's: its calls go there.
    #[must_use]
    pub fn has_target(&self, target: &Path) -> bool {
        self.pods.iter().any(|mount| mount.target == target)
    }

    /// Whether the original has a PersistentVolume mounted on this node, for any pod:
    /// then a further mount of it has to be the original's too, or one device
    /// has two owners. Inline volumes of one name have nothing to do with each other.
    #[must_use]
    pub fn has_volume(&self, persistent_volume: &str) -> bool {
        self.pods
            .iter()
            .any(|mount| mount.volume == persistent_volume)
            || self
                .devices
                .iter()
                .any(|device| device.file_name() == Some(persistent_volume.as_ref()))
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.devices.is_empty()
    }
}

/// The uids of the pods that have, or had, a volume of a driver: kubelet removes
/// the directory with the pod's own.
///
/// # Errors
/// Kubelet's directories cannot be read.
pub fn pods_of(kubelet_root: &Path, driver: &FlexDriver) -> io::Result<Vec<String>> {
    let mut uids = Vec::new();
    for pod in entries(&kubelet_root.join("pods"))? {
        let volumes = pod.path.join("volumes").join(driver.directory());
        match volumes.symlink_metadata() {
            Ok(_) => uids.push(pod.name.to_string_lossy().into_owned()),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    uids.sort();
    Ok(uids)
}

struct Entry {
    name: std::ffi::OsString,
    path: PathBuf,
    kind: FileType,
}

impl Entry {
    /// Whether a driver has put something there that is no mount: kubelet makes
    /// an empty directory.
    fn holds_something(&self) -> io::Result<bool> {
        if !self.kind.is_dir() {
            return Ok(true);
        }
        match std::fs::read_dir(&self.path) {
            Ok(mut entries) => Ok(entries.next().is_some()),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What is in a directory; nothing in none.
fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let entries = match fs_err::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries
        .map(|entry| {
            let entry = entry?;
            Ok(Entry {
                name: entry.file_name(),
                path: entry.path(),
                // By the directory alone, without a look at what is mounted.
                kind: entry.file_type()?,
            })
        })
        .collect()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
