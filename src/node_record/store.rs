//! The records on disk, with their index in memory.

mod pending;
mod refused;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::refused::Refused;
use self::refused::take_in;
use super::RecordError;
use super::file::{RECORD, make_private};
use super::index::{Index, MountState, TargetEntry};
use super::place::{self, file_name};
use super::record::{Mount, VolumeRecord};
use crate::cluster::VolumeId;
use crate::durable_file::{self, FileError};

const PARTIAL: &str = ".partial";

/// The node record. Whoever changes what is recorded of a volume holds that
/// volume's lock.
/// Clones are the same one.
#[derive(Debug, Clone)]
pub struct NodeRecord {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    /// Kubelet's.
    root: PathBuf,
    boot_id: Arc<str>,
    index: Mutex<Index>,
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        // Each change is whole before the next statement.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, volume: &VolumeId) -> PathBuf {
        self.directory.join(file_name(volume))
    }
}

impl NodeRecord {
    /// Opens the record in a directory, which is made if it is not there, and reads
    /// all of it. It waits for a disk.
    ///
    /// # Errors
    /// The directory cannot be read, or is somebody else's. Single records are no
    /// reason: they are refused.
    pub fn open(directory: PathBuf, root: PathBuf, boot_id: &str) -> Result<Self, RecordError> {
        make_private(&directory)?;
        let mut index = Index::default();
        let entries = std::fs::read_dir(&directory).map_err(FileError::io("list", &directory))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(FileError::io("list", &directory))?.path());
        }
        // Of two records with one target always the same one is refused.
        paths.sort();
        for path in paths {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.ends_with(PARTIAL) {
                // Never a whole record: we died while it was written.
                durable_file::remove(&path)?;
            } else if name.ends_with(RECORD) {
                take_in(&mut index, &path, name, &root);
            }
        }
        Ok(Self {
            shared: Arc::new(Shared {
                directory,
                root,
                boot_id: boot_id.into(),
                index: Mutex::new(index),
            }),
        })
    }

    /// This boot.
    pub fn boot_id(&self) -> Arc<str> {
        self.shared.boot_id.clone()
    }

    /// Whether a path is where kubelet has a FlexVolume of this driver and pod.
    pub fn is_target(&self, target: &Path, uid: &str, legacy_driver: &str) -> bool {
        let driver = place::driver_of(&self.shared.root, target, uid);
        place::is_plain(uid) && driver.as_deref() == Some(legacy_driver)
    }

    /// The FlexVolume driver of a recorded mount, as `vendor/driver`.
    pub fn legacy_driver_of(&self, mount: &Mount) -> Option<String> {
        place::driver_of(&self.shared.root, &mount.target, &mount.pod.uid)
    }

    /// Whether a name can be a CSI driver's.
    pub fn is_driver(name: &str) -> bool {
        place::is_plain(name)
    }

    /// What is recorded of a volume.
    pub fn find(&self, volume: &VolumeId) -> Option<Arc<VolumeRecord>> {
        self.shared.index().find(volume)
    }

    /// What is known of a target.
    pub fn at(&self, target: &Path) -> Option<TargetEntry> {
        self.shared.index().at(target).cloned()
    }

    /// Every record.
    pub fn all(&self) -> Vec<Arc<VolumeRecord>> {
        self.shared.index().all()
    }

    /// Says how it stands with a mount.
    pub fn set_state(&self, target: &Path, state: MountState) {
        self.shared.index().set_state(target, state);
    }

    /// Records a volume, durably, before anything is done with it.
    ///
    /// # Errors
    /// It cannot be written, or another volume has one of its targets.
    pub async fn put(&self, record: VolumeRecord) -> Result<Arc<VolumeRecord>, RecordError> {
        let record = Arc::new(record);
        // Before the file: of two volumes that are to have one target at once, only
        // one is recorded.
        let old = {
            let mut index = self.shared.index();
            index.check(&record)?;
            let old = index.find(&record.volume);
            index.put(record.clone());
            old
        };
        let written = record.clone();
        let done = self
            .on_disk(move |shared| {
                durable_file::write(&shared.place(&written.volume), &*written)?;
                Ok(())
            })
            .await;
        if let Err(error) = done {
            let mut index = self.shared.index();
            match old {
                Some(old) => index.put(old),
                None => index.remove(&record.volume),
            }
            return Err(error);
        }
        Ok(record)
    }

    /// Changes what is known of a volume, and leaves its file: that says of more
    /// than is there that it has to be undone.
    pub fn put_in_memory(&self, record: VolumeRecord) {
        self.shared.index().put(Arc::new(record));
    }

    /// Writes what was changed in memory alone, unless the file has it already.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn put_if_changed(&self, record: &VolumeRecord) -> Result<(), RecordError> {
        let record = record.clone();
        self.on_disk(move |shared| {
            let path = shared.place(&record.volume);
            let there: Option<VolumeRecord> = durable_file::read(&path).unwrap_or_default();
            if there.as_ref() != Some(&record) {
                durable_file::write(&path, &record)?;
            }
            Ok(())
        })
        .await
    }

    /// Removes a volume's record, when nothing is left of it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub async fn remove(&self, volume: &VolumeId) -> Result<(), RecordError> {
        let path = self.shared.place(volume);
        self.on_disk(move |_| Ok(durable_file::remove(&path)?))
            .await?;
        self.shared.index().remove(volume);
        Ok(())
    }

    /// Does what waits for a disk where nothing else waits. Once begun it is done,
    /// even if nobody waits for it any more.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, RecordError> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|broken| Err(RecordError::BrokeOff(broken.to_string())))
    }
}
