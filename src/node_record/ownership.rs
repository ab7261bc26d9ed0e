//! Files that are being given to a pod's group.
//!
//! If we die in the midst of it, kubelet sees the mount and takes it for done. A
//! note beside the records says that it is not. It has to outlive this process and
//! not the power: after a reboot nothing is mounted. So it costs no sync.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flex2csi_translators::digest::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::durable_file::{self, FileError};

/// A target whose files are being given to a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingOwnership {
    /// The target.
    pub target: Arc<Path>,
    /// The group.
    pub group: u32,
    /// Only where its root directory is not the group's already.
    pub on_root_mismatch: bool,
    /// The boot in which it was mounted.
    #[serde(rename = "bootID")]
    pub boot_id: Arc<str>,
    /// How often it was begun with, this time included. Who fails and lives to say so
    /// does not count it.
    #[serde(default)]
    pub tries: u32,
}

const SUFFIX: &str = ".group";

/// Where the note of a target is.
fn place(directory: &Path, target: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;

    directory.join(sha256_hex(target.as_os_str().as_bytes()) + SUFFIX)
}

/// Leaves a note.
pub(super) fn write(directory: &Path, pending: &PendingOwnership) -> Result<(), FileError> {
    let path = place(directory, &pending.target);
    let failed = |error| FileError::io("write", &path)(error);
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    serde_json::to_writer(&mut file, pending).map_err(|error| failed(error.into()))?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Takes a note away.
pub(super) fn remove(directory: &Path, target: &Path) -> Result<(), FileError> {
    let path = place(directory, target);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

/// The note of a target, if it is of this boot.
pub(super) fn read(directory: &Path, target: &Path, boot_id: &str) -> Option<PendingOwnership> {
    let read = durable_file::read::<PendingOwnership>(&place(directory, target));
    let pending = read.ok().flatten()?;
    (*pending.boot_id == *boot_id && *pending.target == *target).then_some(pending)
}

/// The notes of this boot; others are removed, and so are those that are none.
pub(super) fn read_all(
    directory: &Path,
    boot_id: &str,
) -> Result<Vec<PendingOwnership>, FileError> {
    let mut all = Vec::new();
    let entries = std::fs::read_dir(directory).map_err(FileError::io("list", directory))?;
    for entry in entries {
        let path = entry.map_err(FileError::io("list", directory))?.path();
        if !path.to_string_lossy().ends_with(SUFFIX) {
            continue;
        }
        match durable_file::read::<PendingOwnership>(&path) {
            Ok(Some(pending))
                if *pending.boot_id == *boot_id && place(directory, &pending.target) == path =>
            {
                all.push(pending);
            }
            _ => durable_file::remove(&path)?,
        }
    }
    Ok(all)
}
