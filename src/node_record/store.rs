//! The records on disk, with their index in memory.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;

use super::index::{Index, MountState, TargetEntry};
use super::ownership::{self, PendingOwnership};
use super::place::{distrust, file_name};
use super::record::{Mount, VolumeRecord};
use super::{RecordError, place};
use crate::cluster::VolumeId;
use crate::durable_file::{self, FileError};

pub(super) const RECORD: &str = ".json";
const PARTIAL: &str = ".partial";

/// A record that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

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

    fn pending_ownership(&self) -> Result<Vec<PendingOwnership>, RecordError> {
        Ok(ownership::read_all(&self.directory, &self.boot_id)?)
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

    /// The files that are not trusted.
    pub fn refused(&self) -> Vec<Refused> {
        let index = self.shared.index();
        let refused = index.refused.values();
        refused
            .map(|(file, why)| Refused {
                file: file.clone(),
                why: why.clone(),
            })
            .collect()
    }

    /// Says that a volume's record is not trusted, if it still is so: the file may
    /// have been put right.
    ///
    /// # Errors
    /// It is not.
    pub async fn check(&self, volume: &VolumeId) -> Result<(), RecordError> {
        let name = file_name(volume);
        if !self.shared.index().refused.contains_key(&name) {
            return Ok(());
        }
        self.on_disk(move |shared| {
            let path = shared.directory.join(&name);
            let mut index = shared.index();
            take_in(&mut index, &path, name.clone(), &shared.root);
            match index.refused.get(&name) {
                None => Ok(()),
                Some((file, why)) => Err(RecordError::Refused {
                    file: file.clone(),
                    why: why.clone(),
                }),
            }
        })
        .await
    }

    /// Reads again what is not trusted; gives what is trusted now.
    ///
    /// # Errors
    /// The work broke off.
    pub async fn check_refused(&self) -> Result<Vec<Arc<VolumeRecord>>, RecordError> {
        if self.shared.index().refused.is_empty() {
            return Ok(Vec::new());
        }
        self.on_disk(|shared| {
            let mut index = shared.index();
            let refused: Vec<_> = index.refused.clone().into_iter().collect();
            let taken = refused
                .into_iter()
                .filter_map(|(name, (path, _))| take_in(&mut index, &path, name, &shared.root));
            Ok(taken.collect())
        })
        .await
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

    /// Notes that a target's files are being given to a group.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn begin_ownership(&self, pending: PendingOwnership) -> Result<(), RecordError> {
        self.on_disk(move |shared| Ok(ownership::write(&shared.directory, &pending)?))
            .await
    }

    /// Notes that they are given, or that the target is gone.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub async fn end_ownership(&self, target: &Path) -> Result<(), RecordError> {
        let target = target.to_owned();
        self.on_disk(move |shared| Ok(ownership::remove(&shared.directory, &target)?))
            .await
    }

    /// The same, at once. It waits for a disk.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub fn end_ownership_now(&self, target: &Path) -> Result<(), RecordError> {
        Ok(ownership::remove(&self.shared.directory, target)?)
    }

    /// The targets whose files were being given to a group, in this boot.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn pending_ownership(&self) -> Result<Vec<PendingOwnership>, RecordError> {
        self.on_disk(Shared::pending_ownership).await
    }

    /// That of one target.
    ///
    /// # Errors
    /// The work broke off.
    pub async fn pending_ownership_of(
        &self,
        target: &Path,
    ) -> Result<Option<PendingOwnership>, RecordError> {
        let target = target.to_owned();
        self.on_disk(move |shared| {
            let (directory, boot_id) = (&shared.directory, &shared.boot_id);
            Ok(ownership::read(directory, &target, boot_id))
        })
        .await
    }

    /// The same, at once. It waits for a disk.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn pending_ownership_now(&self) -> Result<Vec<PendingOwnership>, RecordError> {
        self.shared.pending_ownership()
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

/// Reads a file into the index, or refuses it. One that is gone is neither.
fn take_in(index: &mut Index, path: &Path, name: String, root: &Path) -> Option<Arc<VolumeRecord>> {
    let before = index.refused.remove(&name);
    let taken = read(path, &name, root).and_then(|record| {
        let Some(record) = record.map(Arc::new) else {
            return Ok(None);
        };
        index.check(&record).map_err(|error| error.to_string())?;
        index.put(record.clone());
        Ok(Some(record))
    });
    match taken {
        Ok(taken) => {
            if before.is_some() {
                tracing::info!(file = %path.display(), "a record was put right, or removed");
            }
            taken
        }
        Err(why) => {
            if before.is_none_or(|(_, said)| said != why) {
                tracing::error!(file = %path.display(), %why, "a record is not trusted, its volume is left alone");
            }
            index.refused.insert(name, (path.to_owned(), why));
            None
        }
    }
}

/// A record, if it is there and to be trusted.
pub(super) fn read(path: &Path, name: &str, root: &Path) -> Result<Option<VolumeRecord>, String> {
    let about = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about.map_err(|error| error.to_string())?,
    };
    if about.is_file() {
        check_private(&about)?;
    }
    let text = durable_file::read::<Box<RawValue>>(path);
    let Some(text) = text.map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    if !text.get().starts_with('{') {
        return Err("it is damaged: it is no JSON object".to_owned());
    }
    match VolumeRecord::version_of(text.get()) {
        Some(version) if version == u64::from(super::record::VERSION) => {}
        Some(version) => {
            return Err(format!(
                "it is of version {version}, which a later flex2csi has written"
            ));
        }
        None => return Err("it has no version".to_owned()),
    }
    let record = serde_json::from_str(text.get());
    let record: VolumeRecord = record.map_err(|error| error.to_string())?;
    match distrust(&record, name, root) {
        None => Ok(Some(record)),
        Some(why) => Err(why),
    }
}

/// Whether only we can have written something.
fn check_private(about: &std::fs::Metadata) -> Result<(), String> {
    let ours = rustix::process::geteuid().as_raw();
    if about.uid() != ours && about.uid() != 0 {
        return Err(format!("belongs to the user {}", about.uid()));
    }
    if about.mode() & 0o022 != 0 {
        return Err("can be written by others".to_owned());
    }
    Ok(())
}

fn make_private(directory: &Path) -> Result<(), RecordError> {
    if let Some(above) = directory.parent() {
        durable_file::make_directory(above)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => durable_file::sync_directory_of(directory)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileError::io("create", directory)(error).into()),
    }
    let about = directory.symlink_metadata();
    let about = about.map_err(FileError::io("look at", directory))?;
    let wrong = if about.is_dir() {
        check_private(&about)
    } else {
        Err("is no directory".to_owned())
    };
    wrong.map_err(|why| RecordError::Directory {
        directory: directory.to_owned(),
        why,
    })
}
