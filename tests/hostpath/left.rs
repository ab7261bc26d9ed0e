//! What is left mounted and attached below a directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use flex2csi::mountinfo::MountTable;

/// Mounts below a directory, the newest first.
pub fn mounts(directory: &Path) -> Vec<PathBuf> {
    let table = MountTable::read().unwrap();
    let below = table.iter().rev().map(|mount| mount.target.clone());
    below
        .filter(|target| target.starts_with(directory))
        .collect()
}

/// Loop devices of files below a directory.
pub fn loop_devices(directory: &Path) -> Vec<PathBuf> {
    let mut devices = Vec::new();
    for entry in Path::new("/sys/block").read_dir().unwrap() {
        let entry = entry.unwrap();
        let file = entry.path().join("loop/backing_file");
        let backing = std::fs::read_to_string(file).unwrap_or_default();
        if Path::new(&backing).starts_with(directory) {
            devices.push(Path::new("/dev").join(entry.file_name()));
        }
    }
    devices
}

/// Takes all of it away, as after a test that failed.
pub fn clean(directory: &Path) {
    for target in mounts(directory) {
        let _ = Command::new("umount").arg("--lazy").arg(target).status();
    }
    for device in loop_devices(directory) {
        let _ = Command::new("losetup").arg("--detach").arg(device).status();
    }
}
