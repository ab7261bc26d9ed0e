//! The cgroups of a lab's containers. They are the only thing of a node that does
//! not go by itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOT: &str = "/sys/fs/cgroup";

/// The cgroup below which a node's containers are; no other lab has it.
pub(super) fn name(lab: &Path, node: &str) -> String {
    let lab = lab.file_name().unwrap_or_default().to_string_lossy();
    format!("/{lab}-{node}")
}

/// Removes a cgroup, and those below it, from every hierarchy. Nothing may be running in them.
pub(super) fn remove(cgroup: &str) {
    for hierarchy in hierarchies() {
        let directory = hierarchy.join(cgroup.trim_start_matches('/'));
        // The kernel takes a moment to see that the last process has ended.
        for _ in 0..100 {
            if !directory.exists() || remove_all(&directory).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
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
