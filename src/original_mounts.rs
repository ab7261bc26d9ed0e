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

/// Whose volumes stand beside those of FlexVolume drivers, as
/// `kubernetes.io~<name>`: kubelet's own plugins, those of earlier versions
/// included (kubernetes `pkg/volume/*`, v1.5 to v1.36, `GetPluginName`).
const KUBELETS: [&str; 28] = [
    "aws-ebs",
    "azure-disk",
    "azure-file",
    "cephfs",
    "cinder",
    "configmap",
    "csi",
    "downward-api",
    "empty-dir",
    "fc",
    "flocker",
    "gce-pd",
    "git-repo",
    "glusterfs",
    "host-path",
    "image",
    "iscsi",
    "local-volume",
    "nfs",
    "photon-pd",
    "portworx-volume",
    "projected",
    "quobyte",
    "rbd",
    "scaleio",
    "secret",
    "storageos",
    "vsphere-volume",
];

/// What an original driver has on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginalMounts {
    /// In pods.
    pub pods: Vec<OriginalMount>,
    /// Directories of pods in which there is nothing. Kubelet makes one before it has
    /// a volume mounted, so a driver may be about to.
    pub empty: Vec<OriginalMount>,
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
        let Some(root) = real_root(kubelet_root)? else {
            return Ok(Self::default());
        };
        let directory = driver.directory();
        let places = Places {
            kubelet_root,
            root: &root,
            devices: device_directories(&root, driver)?,
        };
        places.find(
            |volumes| {
                let path = volumes.join(&directory);
                Ok(vec![(directory.clone(), path)])
            },
            are_mounted,
            recorded,
        )
    }

    /// Looks for what any driver has, whoever knows of it: what is told of a node
    /// is taken for proof that it has nothing else, also of a driver that is not
    /// configured, or no more.
    ///
    /// # Errors
    /// Kubelet's directories cannot be read.
    pub fn find_all(
        kubelet_root: &Path,
        are_mounted: impl FnOnce(&[PathBuf]) -> io::Result<Vec<bool>>,
        recorded: impl Fn() -> BTreeSet<PathBuf>,
    ) -> io::Result<Self> {
        let Some(root) = real_root(kubelet_root)? else {
            return Ok(Self::default());
        };
        let places = Places {
            kubelet_root,
            root: &root,
            devices: all_device_directories(&root)?,
        };
        let of_pod = |volumes: &Path| {
            let drivers = entries(volumes)?.into_iter().filter_map(|driver| {
                let name = driver.name.to_string_lossy().into_owned();
                (!is_kubelets(&name)).then_some((name, driver.path))
            });
            Ok(drivers.collect())
        };
        places.find(of_pod, are_mounted, recorded)
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

    /// Where the original may be about to mount a PersistentVolume for another pod than
    /// that of `target`: a call of kubelet's that it was given, or that came before it was
    /// replaced, may be under way.
    pub fn maybe_mounting(
        &self,
        persistent_volume: &str,
        target: &Path,
    ) -> impl Iterator<Item = &Path> {
        let of_volume = self
            .empty
            .iter()
            .filter(move |mount| mount.volume == persistent_volume);
        let targets = of_volume.map(|mount| &*mount.target);
        targets.filter(move |other| *other != target)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.devices.is_empty()
    }
}

/// Where it is looked.
struct Places<'a> {
    /// As it is called in the record.
    kubelet_root: &'a Path,
    /// The same, without links.
    root: &'a Path,
    devices: Vec<PathBuf>,
}

impl Places<'_> {
    /// `of_pod` gives the directories of drivers in that of a pod's volumes, with
    /// their names.
    fn find(
        self,
        of_pod: impl Fn(&Path) -> io::Result<Vec<(String, PathBuf)>>,
        are_mounted: impl FnOnce(&[PathBuf]) -> io::Result<Vec<bool>>,
        recorded: impl Fn() -> BTreeSet<PathBuf>,
    ) -> io::Result<OriginalMounts> {
        let known = recorded();
        let mut found = Vec::new();
        for pod in entries(&self.root.join("pods"))? {
            let Some(pod_uid) = pod.name.to_str() else {
                continue;
            };
            for (driver, path) in of_pod(&pod.path.join("volumes"))? {
                let volumes = self.kubelet_root.join("pods").join(pod_uid);
                let volumes = volumes.join("volumes").join(&driver);
                for volume in entries(&path)? {
                    let target = volumes.join(&volume.name);
                    if !known.contains(&target) && !known.contains(&volume.path) {
                        let mount = OriginalMount {
                            driver: driver.replacen('~', "/", 1),
                            volume: volume.name.to_string_lossy().into_owned(),
                            pod_uid: pod_uid.to_owned(),
                            target,
                        };
                        found.push((volume, mount));
                    }
                }
            }
        }
        let devices = self.devices;
        if found.is_empty() && devices.is_empty() {
            return Ok(OriginalMounts::default());
        }
        let targets = found.iter().map(|(volume, _)| volume.path.clone());
        let paths: Vec<PathBuf> = targets.chain(devices.iter().cloned()).collect();
        let mut mounted = are_mounted(&paths)?.into_iter();
        let known = recorded();
        let (mut pods, mut empty) = (Vec::new(), Vec::new());
        for (volume, mount) in found {
            let is_mounted = mounted.next().unwrap_or_default();
            let is_ours = known.contains(&mount.target) || known.contains(&volume.path);
            if is_ours {
                continue;
            }
            match is_mounted || volume.holds_something()? {
                true => pods.push(mount),
                false => empty.push(mount),
            }
        }
        pods.sort();
        empty.sort();
        let devices = devices.into_iter().zip(mounted);
        let devices = devices.filter(|(_, is_mounted)| *is_mounted);
        let devices = devices.map(|(device, _)| device).collect();
        Ok(OriginalMounts {
            pods,
            empty,
            devices,
        })
    }
}

/// Kubelet's root without links; `None` where there is no kubelet.
fn real_root(kubelet_root: &Path) -> io::Result<Option<PathBuf>> {
    match fs_err::canonicalize(kubelet_root) {
        Ok(root) => Ok(Some(root)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_kubelets(directory: &str) -> bool {
    directory
        .strip_prefix("kubernetes.io~")
        .is_some_and(|name| KUBELETS.contains(&name))
}

/// The directories of the devices of all drivers. One without a vendor has them
/// a level higher.
fn all_device_directories(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for vendor in entries(&root.join("plugins/kubernetes.io/flexvolume"))? {
        let drivers = entries(&vendor.path)?.into_iter().map(|driver| driver.path);
        for driver in drivers.chain([vendor.path]) {
            let devices = entries(&driver.join("mounts"))?;
            all.extend(devices.into_iter().map(|device| device.path));
        }
    }
    all.sort();
    Ok(all)
}

/// The driver, as `vendor/driver`, of a directory of a device:
/// `<vendor>/<driver>/mounts/<name>`.
#[must_use]
pub fn driver_of_device(device: &Path) -> String {
    let mut above = device.ancestors().skip(2);
    let mut name = || above.next().and_then(Path::file_name).unwrap_or_default();
    let (driver, vendor) = (name(), name());
    let driver = driver.to_string_lossy();
    match vendor.to_str() {
        None | Some("" | "flexvolume") => driver.into_owned(),
        Some(vendor) => format!("{vendor}/{driver}"),
    }
}

/// The uids of the pods that have a volume of a driver, mounted or not: kubelet calls the
/// driver for each directory of one, until that is gone. The directory of them all stays
/// as long as the pod, and says nothing: the pod may have its volumes through CSI by now
/// (kubernetes v1.36 `pkg/kubelet/volumemanager/reconciler/reconstruct_common.go`,
/// `getVolumesFromPodDir`).
///
/// # Errors
/// Kubelet's directories cannot be read.
pub fn pods_of(kubelet_root: &Path, driver: &FlexDriver) -> io::Result<Vec<String>> {
    let mut uids = Vec::new();
    for pod in entries(&kubelet_root.join("pods"))? {
        let volumes = pod.path.join("volumes").join(driver.directory());
        if !entries(&volumes)?.is_empty() {
            uids.push(pod.name.to_string_lossy().into_owned());
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
