//! What is mounted: the mount table, behind a trait so that tests need no mounts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mountinfo::MountTable;

/// What is mounted.
pub trait MountPoints: Send + Sync {
    /// For each path, whether something is mounted on it. It asks the kernel alone,
    /// and so does not hang where a server or a FUSE process is gone.
    ///
    /// # Errors
    /// The table cannot be read.
    fn are_mounted(&self, paths: &[Arc<Path>]) -> io::Result<Vec<bool>>;
}

/// The mount table of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemMounts;

impl MountPoints for SystemMounts {
    fn are_mounted(&self, paths: &[Arc<Path>]) -> io::Result<Vec<bool>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let table = MountTable::read()?;
        let mounted: std::collections::HashSet<&Path> =
            table.iter().map(|mount| mount.target.as_path()).collect();
        let is_mounted = |path: &Arc<Path>| mounted.contains(&*real(path));
        Ok(paths.iter().map(is_mounted).collect())
    }
}

/// The path as the kernel says it: kubelet's root may be reached through a link. The
/// last part is left alone, for what is mounted on it may not answer.
fn real(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}
