//! What a node still has of a driver that attaches.

use std::io;
use std::path::{Path, PathBuf};

use super::FlexDriver;

/// The volumes that the API server knows a node to have (`Node.status`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeVolumeNames {
    /// The unique names in `volumesInUse` and `volumesAttached`.
    pub names: Vec<String>,
}

/// What is left of an original driver that attaches: for as long as there is any,
/// kubelet has to be told its own capabilities, or it could not unmount devices
/// any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Kubelet's directories of its devices.
    pub devices: Vec<PathBuf>,
    /// Its volumes in the node's status.
    pub volumes: Vec<String>,
    /// Whether the API server did not say.
    pub unknown: bool,
}

impl Left {
    /// What is left, by kubelet's directories and the node's status.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub(super) fn find(
        kubelet_root: &Path,
        driver: &FlexDriver,
        node: Option<&NodeVolumeNames>,
    ) -> io::Result<Self> {
        let names = node.map(|node| node.names.iter());
        Ok(Self {
            devices: device_directories(kubelet_root, driver)?,
            volumes: names
                .into_iter()
                .flatten()
                .filter(|name| driver.is_of(name))
                .cloned()
                .collect(),
            unknown: node.is_none(),
        })
    }

    /// Whether there is nothing, as far as this node itself can tell.
    pub(super) fn is_nothing_seen(&self) -> bool {
        self.devices.is_empty() && self.volumes.is_empty()
    }

    /// Whether there is proof that nothing is left.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_nothing_seen() && !self.unknown
    }
}

/// Where kubelet mounts the devices of a driver that attaches (kubernetes
/// `pkg/volume/flexvolume/util.go`, v1.36).
pub(crate) fn devices_directory(kubelet_root: &Path, driver: &FlexDriver) -> PathBuf {
    kubelet_root
        .join("plugins/kubernetes.io/flexvolume")
        .join(driver.vendor())
        .join(driver.executable())
        .join("mounts")
}

/// The directories in it, whether something is mounted there or not: kubelet
/// makes one before it mounts, and removes it afterwards.
pub(crate) fn device_directories(
    kubelet_root: &Path,
    driver: &FlexDriver,
) -> io::Result<Vec<PathBuf>> {
    let directory = devices_directory(kubelet_root, driver);
    let entries = match fs_err::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut directories = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    directories.sort();
    Ok(directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_what_it_has() {
        let names = [
            "a.io/b/1",
            "flexvolume-a.io/b/2",
            "kubernetes.io/csi/a.io^b",
        ];
        let node = NodeVolumeNames {
            names: names.map(str::to_owned).into(),
        };
        let root = tempfile::tempdir().unwrap();
        let driver = "a.io/b".parse().unwrap();
        let left = Left::find(root.path(), &driver, Some(&node)).unwrap();
        assert_eq!(left.volumes, ["a.io/b/1", "flexvolume-a.io/b/2"]);
        assert!(!left.is_nothing());

        let none = NodeVolumeNames::default();
        let left = Left::find(root.path(), &driver, Some(&none)).unwrap();
        assert!(left.is_nothing());
    }

    #[test]
    fn a_device_directory_is_something() {
        let root = tempfile::tempdir().unwrap();
        let driver = "a.io/b".parse().unwrap();
        let find = || Left::find(root.path(), &driver, None).unwrap();
        assert!(
            find().is_nothing_seen() && !find().is_nothing(),
            "nobody said"
        );
        let device = devices_directory(root.path(), &driver).join("pv-1");
        std::fs::create_dir_all(&device).unwrap();
        assert_eq!(find().devices, [device]);
        assert!(!find().is_nothing_seen());
    }
}
