//! The directory in which a volume is staged: kubelet's own for CSI, so that a
//! rewritten PersistentVolume finds its volume where CSI wants it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flex2csi_translators::csi_volume::{staging_directory, volume_data};

use super::undo::still_mounted;
use super::{MountPoints, VolumeError};
use crate::cluster::VolumeId;
use crate::fault_points::{self as points, at};

/// Where a volume is staged.
#[derive(Debug, Clone)]
pub(super) struct Place {
    directory: PathBuf,
    /// What `vol_data.json` says.
    data: String,
}

impl Place {
    /// That of a volume.
    pub fn of(root: &Path, id: &VolumeId) -> Self {
        Self {
            directory: staging_directory(root, &id.driver, &id.handle),
            data: volume_data(&id.driver, &id.handle),
        }
    }

    /// `staging_target_path`
    pub fn path(&self) -> Arc<Path> {
        self.directory.join("globalmount").into()
    }

    fn data_file(&self) -> PathBuf {
        self.directory.join("vol_data.json")
    }

    /// Makes it, with `vol_data.json`: without that kubelet would never unstage.
    pub async fn make(&self) -> Result<PathBuf, VolumeError> {
        let place = self.clone();
        let path = self.path();
        blocking(&self.directory, move || {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o750);
            builder
                .create(&place.directory)
                .map_err(VolumeError::io("create", &place.directory))?;
            let file = place.data_file();
            if std::fs::read(&file).ok().as_deref() != Some(place.data.as_bytes()) {
                place
                    .write(&file)
                    .map_err(VolumeError::io("write", &file))?;
            }
            match builder.recursive(false).create(&path) {
                // It need not be a directory that answers.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(VolumeError::io("create", &path)(error))
                }
                _ => Ok(path.to_path_buf()),
            }
        })
        .await
    }

    /// Always of one name: whoever dies while writing leaves what the next one takes up,
    /// and nothing that would keep the directory from being removed.
    fn unfinished_file(&self) -> PathBuf {
        self.directory.join(".vol_data.json.flex2csi")
    }

    /// Whole or not at all. It says nothing that counts after a power cut.
    fn write(&self, file: &Path) -> io::Result<()> {
        let path = self.unfinished_file();
        let mut new = File::create(&path)?;
        new.write_all(self.data.as_bytes())?;
        new.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        at(points::STAGE_DATA_BEFORE);
        std::fs::rename(path, file)
    }

    /// Removes it, unless something is still mounted there. What is not empty stays.
    pub async fn remove(
        &self,
        id: &VolumeId,
        mount_points: Arc<dyn MountPoints>,
    ) -> Result<(), VolumeError> {
        let (place, id) = (self.clone(), id.clone());
        blocking(&self.directory, move || {
            let path = place.path();
            let removed = unless_gone(mount_points.remove(&path));
            removed.map_err(|error| match error.kind() {
                io::ErrorKind::ResourceBusy => still_mounted(&id, &path),
                _ => VolumeError::io("remove", &path)(error),
            })?;
            for file in [place.data_file(), place.unfinished_file()] {
                unless_gone(std::fs::remove_file(&file))
                    .map_err(VolumeError::io("remove", &file))?;
            }
            let removed = unless_gone(std::fs::remove_dir(&place.directory));
            removed.map_err(VolumeError::io("remove", &place.directory))
        })
        .await
    }
}

/// What is to be gone and is not there is gone.
pub(super) fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Does what waits for a disk where nothing else waits.
pub(super) async fn blocking<T: Send + 'static>(
    about: &Path,
    work: impl FnOnce() -> Result<T, VolumeError> + Send + 'static,
) -> Result<T, VolumeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|broken| Err(VolumeError::io("work on", about)(io::Error::other(broken))))
}
