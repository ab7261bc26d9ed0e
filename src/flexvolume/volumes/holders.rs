//! Which volumes kubelet's CSI plugin has on this node, by the files that it keeps.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cluster::VolumeId;

/// Kubelet's file says two names and a few more.
const LARGEST: u64 = 64 * 1024;

/// Whether kubelet's CSI plugin has a volume for one of its pods (kubernetes v1.36
/// `pkg/volume/csi/csi_util.go`: `vol_data.json` in each directory of a pod's volume,
/// and in one for each block device). It waits for a disk.
///
/// # Errors
/// A directory cannot be read.
pub(super) fn is_held_here(root: &Path, id: &VolumeId) -> io::Result<bool> {
    for pod in entries(&root.join("pods"))? {
        if is_of_pod(&pod, id)? {
            return Ok(true);
        }
    }
    for device in entries(&root.join("plugins/kubernetes.io/csi/volumeDevices"))? {
        if is_of(&device.join("data/vol_data.json"), id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether kubelet's CSI plugin has a volume for a pod, beside what the FlexVolume door
/// has mounted for it: its PersistentVolume was rewritten, and kubelet has looked at the
/// pod since. It waits for a disk.
///
/// # Errors
/// A directory cannot be read.
pub fn is_taken(root: &Path, pod_uid: &str, id: &VolumeId) -> io::Result<bool> {
    is_of_pod(&root.join("pods").join(pod_uid), id)
}

/// Where kubelet's CSI plugin mounts a volume for its pods (kubernetes v1.36
/// `pkg/volume/csi/csi_mounter.go`, `GetPath`); nothing where it has staged it
/// elsewhere than we, as before 1.24 (`plugins/kubernetes.io/csi/pv/<name>`): then it
/// would not unstage what is ours. It waits for a disk.
///
/// # Errors
/// A directory cannot be read.
pub(super) fn published_here(root: &Path, id: &VolumeId) -> io::Result<Vec<Arc<Path>>> {
    for staged in entries(&root.join("plugins/kubernetes.io/csi/pv"))? {
        if is_of(&staged.join("vol_data.json"), id)? {
            return Ok(Vec::new());
        }
    }
    let mut targets = Vec::new();
    for pod in entries(&root.join("pods"))? {
        for directory in directories_of_pod(&pod, "volumes", id)? {
            targets.push(directory.join("mount").into());
        }
    }
    Ok(targets)
}

fn is_of_pod(pod: &Path, id: &VolumeId) -> io::Result<bool> {
    for kind in ["volumes", "volumeDevices"] {
        if !directories_of_pod(pod, kind, id)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The directories in which kubelet's CSI plugin has a volume for a pod.
fn directories_of_pod(pod: &Path, kind: &str, id: &VolumeId) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in entries(&pod.join(kind).join("kubernetes.io~csi"))? {
        if is_of(&directory.join("vol_data.json"), id)? {
            found.push(directory);
        }
    }
    Ok(found)
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let is_none = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    match std::fs::read_dir(directory) {
        Err(error) if is_none(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
    }
}

fn is_of(file: &Path, id: &VolumeId) -> io::Result<bool> {
    use std::io::Read as _;

    let file = match std::fs::File::open(file) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    // Kubelet cannot use a file that is none either.
    let data: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    Ok(data["driverName"] == *id.driver && data["volumeHandle"] == *id.handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> VolumeId {
        VolumeId {
            driver: "d".into(),
            handle: "h".into(),
        }
    }

    fn held(place: &str, text: &str) -> bool {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join(place);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("vol_data.json"), text).unwrap();
        is_held_here(root.path(), &id()).unwrap()
    }

    #[test]
    fn a_pods_csi_volume_holds_it() {
        let data = r#"{"driverName":"d","volumeHandle":"h","specVolID":"pv"}"#;
        for place in [
            "pods/u/volumes/kubernetes.io~csi/pv",
            "pods/u/volumeDevices/kubernetes.io~csi/pv",
            "plugins/kubernetes.io/csi/volumeDevices/pv/data",
        ] {
            assert!(held(place, data), "{place}");
            assert!(!held(place, &data.replace("\"h\"", "\"i\"")), "{place}");
            assert!(!held(place, &data.replace("\"d\"", "\"e\"")), "{place}");
            assert!(!held(place, "{"), "{place}");
        }
        // What is staged is not what is published.
        assert!(!held("plugins/kubernetes.io/csi/d/0a", data));
    }

    #[test]
    fn what_one_pod_has_another_has_not() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("pods/u/volumes/kubernetes.io~csi/pv");
        std::fs::create_dir_all(&directory).unwrap();
        let data = r#"{"driverName":"d","volumeHandle":"h"}"#;
        std::fs::write(directory.join("vol_data.json"), data).unwrap();
        assert!(is_taken(root.path(), "u", &id()).unwrap());
        assert!(!is_taken(root.path(), "v", &id()).unwrap());
        let other = VolumeId {
            handle: "i".into(),
            ..id()
        };
        assert!(!is_taken(root.path(), "u", &other).unwrap());
    }

    #[test]
    fn a_volume_is_published_where_kubelet_has_staged_it_as_we_do() {
        let root = tempfile::tempdir().unwrap();
        let write = |place: &str| {
            let directory = root.path().join(place);
            std::fs::create_dir_all(&directory).unwrap();
            let data = r#"{"driverName":"d","volumeHandle":"h"}"#;
            std::fs::write(directory.join("vol_data.json"), data).unwrap();
            directory
        };
        let published = || published_here(root.path(), &id()).unwrap();
        write("pods/u/volumeDevices/kubernetes.io~csi/pv");
        assert!(published().is_empty());
        let target = write("pods/u/volumes/kubernetes.io~csi/pv").join("mount");
        let as_we_do = write("plugins/kubernetes.io/csi/d/0a");
        assert_eq!(published(), [Arc::from(target)]);
        std::fs::remove_dir_all(as_we_do).unwrap();
        // As a kubelet of 1.23 stages.
        write("plugins/kubernetes.io/csi/pv/pv");
        assert!(published().is_empty());
    }

    #[test]
    fn without_pods_nothing_is_held() {
        let root = tempfile::tempdir().unwrap();
        assert!(!is_held_here(root.path(), &id()).unwrap());
        std::fs::create_dir_all(root.path().join("pods/u")).unwrap();
        std::fs::write(root.path().join("pods/u/volumes"), "").unwrap();
        assert!(!is_held_here(root.path(), &id()).unwrap());
    }
}
