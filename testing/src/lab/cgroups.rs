//! The cgroups of a node's containers. They are the only thing of a node that does
//! not go by itself: all containers of this machine have theirs in one place.

use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOT: &str = "/sys/fs/cgroup";

/// Where containerd has a directory for each container that runs, on its node.
const CONTAINERS: &str = "run/containerd/io.containerd.runtime.v2.task/k8s.io";

/// Removes what is left of the containers of a node that has ended. `files` is the
/// directory of the node's own files.
pub(super) fn remove(files: &Path) {
    let containers = std::fs::read_dir(files.join(CONTAINERS));
    for container in containers.into_iter().flatten().flatten() {
        for hierarchy in hierarchies() {
            let directory = hierarchy.join("k8s.io").join(container.file_name());
            // The kernel takes a moment to see that the last process has ended.
            for _ in 0..50 {
                if !directory.exists() || remove_all(&directory).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Where cgroups are: one hierarchy for each controller, or one for all.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root];
    }
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn remove_all(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_all(&entry.path())?;
        }
    }
    std::fs::remove_dir(directory)
}
