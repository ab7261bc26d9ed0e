//! What is mounted: the mount table, behind a trait so that tests need no mounts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mountinfo::{self, real_path};

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
        let real: Vec<PathBuf> = paths.iter().map(|path| real_path(path)).collect();
        mountinfo::are_mounted(&real)
    }
}
