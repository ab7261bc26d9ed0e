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

    /// Removes an empty directory unless something is mounted on it, of which nothing
    /// is asked. The kernel knows at once, where the table has to be gone through.
    ///
    /// # Errors
    /// `ResourceBusy` where something is mounted, and whatever else the system says.
    fn remove(&self, directory: &Path) -> io::Result<()>;
}

/// The mount table of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemMounts;

impl MountPoints for SystemMounts {
    fn are_mounted(&self, paths: &[Arc<Path>]) -> io::Result<Vec<bool>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        // Whatever has a path in the table is mounted there. What has not may still be,
        // where a link leads to kubelet's root.
        let mounted = mountinfo::are_mounted(paths)?;
        let real = |(path, is_mounted): (&Arc<Path>, &bool)| match is_mounted {
            true => path.to_path_buf(),
            false => real_path(path),
        };
        let real: Vec<PathBuf> = paths.iter().zip(&mounted).map(real).collect();
        if paths.iter().zip(&real).all(|(path, real)| **path == **real) {
            return Ok(mounted);
        }
        mountinfo::are_mounted(&real)
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        // rmdir(2) fails with EBUSY where this mount namespace has a mount.
        std::fs::remove_dir(directory)
    }
}
