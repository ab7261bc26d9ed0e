//! The records in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RecordError;
use super::record::VolumeRecord;
use crate::cluster::VolumeId;

/// How it stands with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountState {
    /// It may be there or not: a call is under way, has failed in a way that leaves
    /// it open, or we have only just started.
    Uncertain,
    /// It is there.
    Published,
}

/// What is known of a target.
#[derive(Debug, Clone)]
pub struct TargetEntry {
    /// Its volume.
    pub volume: Arc<VolumeId>,
    /// How it stands with it.
    pub state: MountState,
}

/// All records, by their volumes and targets.
#[derive(Debug, Default)]
pub(super) struct Index {
    volumes: HashMap<Arc<VolumeId>, Arc<VolumeRecord>>,
    targets: HashMap<Arc<Path>, TargetEntry>,
    /// Files that are not trusted, by their names, and why.
    pub refused: BTreeMap<String, (PathBuf, String)>,
}

impl Index {
    pub fn find(&self, volume: &VolumeId) -> Option<Arc<VolumeRecord>> {
        self.volumes.get(volume).cloned()
    }

    pub fn at(&self, target: &Path) -> Option<&TargetEntry> {
        self.targets.get(target)
    }

    pub fn set_state(&mut self, target: &Path, state: MountState) {
        if let Some(entry) = self.targets.get_mut(target) {
            entry.state = state;
        }
    }

    /// Every record, in the order of drivers and handles.
    pub fn all(&self) -> Vec<Arc<VolumeRecord>> {
        let mut all: Vec<_> = self.volumes.values().cloned().collect();
        all.sort_by(|a, b| a.volume.cmp(&b.volume));
        all
    }

    /// Whether no target of a record is another volume's.
    pub fn check(&self, record: &VolumeRecord) -> Result<(), RecordError> {
        for mount in &record.mounts {
            if let Some(entry) = self.at(&mount.target)
                && entry.volume != record.volume
            {
                return Err(RecordError::OtherVolume {
                    target: mount.target.to_path_buf(),
                    driver: entry.volume.driver.clone(),
                    handle: entry.volume.handle.clone(),
                });
            }
        }
        Ok(())
    }

    /// Takes a record in. Mounts that were there keep their state.
    pub fn put(&mut self, record: Arc<VolumeRecord>) {
        let old = self.volumes.insert(record.volume.clone(), record.clone());
        for gone in old.iter().flat_map(|old| &old.mounts) {
            if record.mount(&gone.target).is_none() {
                self.targets.remove(&gone.target);
            }
        }
        for mount in &record.mounts {
            let new = || TargetEntry {
                volume: record.volume.clone(),
                state: MountState::Uncertain,
            };
            let target = mount.target.clone();
            self.targets.entry(target).or_insert_with(new);
        }
    }

    pub fn remove(&mut self, volume: &VolumeId) {
        if let Some(record) = self.volumes.remove(volume) {
            for mount in &record.mounts {
                self.targets.remove(&mount.target);
            }
        }
    }
}
