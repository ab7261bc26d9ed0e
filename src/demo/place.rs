//! The directory in which everything of the demonstration is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::mount::UnmountFlags;

use super::kubelet::Kubelet;
use crate::mountinfo::MountTable;

/// The volumes in legacy form, which a cluster would have.
pub(super) const CLUSTER: &str = include_str!("../../testdata/demo/cluster.yaml");

/// A temporary directory; whatever happens, nothing of it is left.
#[derive(Debug)]
pub(super) struct Place {
    // Dropped first: the directory's removal must not reach what is mounted.
    mounts: MountsBelow,
    directory: tempfile::TempDir,
}

impl Place {
    /// Makes it, with the files that the daemon reads.
    pub fn new() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("flex2csi-demo.").tempdir();
        let directory = directory.context("cannot make a temporary directory")?;
        let place = Self {
            mounts: MountsBelow(directory.path().canonicalize()?),
            directory,
        };
        let everybody = std::fs::Permissions::from_mode(0o711);
        fs_err::set_permissions(place.path(), everybody)?;
        let Kubelet { root, plugins } = place.kubelet();
        for directory in [root.join("pods"), root.join("plugins_registry"), plugins] {
            fs_err::create_dir_all(directory)?;
        }
        fs_err::write(place.below("cluster.yaml"), CLUSTER)?;
        Ok(place)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn below(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn kubelet(&self) -> Kubelet {
        Kubelet {
            root: self.below("kubelet"),
            plugins: self.below("exec"),
        }
    }

    /// Checks that nothing is left but what was written here, and removes that.
    ///
    /// # Errors
    /// Something is still mounted, staged or recorded.
    pub fn remove(self) -> anyhow::Result<()> {
        let mounted = self.mounts.list()?;
        if !mounted.is_empty() {
            bail!("still mounted: {mounted:?}");
        }
        for left in [
            "kubelet/plugins/kubernetes.io/csi",
            "state/volumes",
            "kubelet/pods",
        ] {
            let mut files = Vec::new();
            files_below(&self.below(left), &mut files)?;
            if !files.is_empty() {
                bail!("left behind: {files:?}");
            }
        }
        let path = self.path().to_owned();
        self.directory
            .close()
            .with_context(|| format!("cannot remove {}", path.display()))
    }
}

/// What is mounted below a directory; dropped, it is unmounted.
#[derive(Debug)]
struct MountsBelow(PathBuf);

impl MountsBelow {
    /// The last first.
    fn list(&self) -> std::io::Result<Vec<PathBuf>> {
        let table = MountTable::read()?;
        let targets = table.iter().rev().map(|mount| mount.target.clone());
        Ok(targets
            .filter(|target| target.starts_with(&self.0))
            .collect())
    }
}

impl Drop for MountsBelow {
    fn drop(&mut self) {
        for target in self.list().unwrap_or_default() {
            let _ = rustix::mount::unmount(&target, UnmountFlags::DETACH);
        }
    }
}

fn files_below(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
