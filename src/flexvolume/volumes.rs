//! The volumes that pods of this node have through the FlexVolume door: what a
//! mount, an unmount and an expansion make of the CSI driver's calls.
//!
//! What is about to happen is recorded first ([`crate::node_record`]), and then
//! done by a task of its own that holds the volume's lock. A caller that goes away,
//! or whose deadline passes, leaves the task to its end, so that nothing happens
//! that nobody knows of.

mod act;
mod attach;
mod collect;
mod error;
mod expand;
mod hand_over;
mod holders;
mod listed;
mod locks;
mod looks;
mod mount;
mod mount_points;
mod ownership;
mod prepare;
mod release;
mod requests;
mod secrets;
mod settings;
mod staging;
mod translation;
mod undo;
mod unmount;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

pub use crate::csi_client::CallContext;
pub use collect::{Collected, EVERY};
pub use error::VolumeError;
pub use holders::is_taken;
pub use listed::{ListedMount, ListedVolume, MountedState};
pub use mount::MountCall;
pub use mount_points::{MountPoints, SystemMounts};
pub use settings::{Backends, Finding, Knowledge, ReleaseWhen, Settings, Sockets};
pub use unmount::Unmounted;

use crate::cluster::VolumeId;
use crate::node_record::{MountState, NodeRecord, RecordError, Refused, VolumeRecord};
use crate::request_id::RequestIds;
use locks::Locks;
use looks::Looks;

/// The engine. Clones are the same one.
#[derive(Clone)]
pub struct Volumes {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    looks: Looks,
    record: NodeRecord,
    knowledge: RwLock<Knowledge>,
    targets: Locks<PathBuf>,
    volumes: Locks<VolumeId>,
    /// Of targets whose files are given to a group while nobody waits.
    walks: Locks<PathBuf>,
    turns: Semaphore,
    request_ids: RequestIds,
    changes: watch::Sender<u64>,
    /// What goes on whoever waits for it.
    acts: TaskTracker,
}

impl Volumes {
    /// Opens the record in the state directory, and finds again what is mounted. It
    /// waits for a disk.
    ///
    /// # Errors
    /// The record's directory cannot be used.
    pub fn new(settings: Settings, knowledge: Knowledge) -> Result<Self, RecordError> {
        let directory = settings.state.join("volumes");
        let record = NodeRecord::open(directory, settings.root.clone(), &settings.boot_id)?;
        let volumes = Self {
            inner: Arc::new(Inner {
                looks: Looks::new(settings.mount_points.clone()),
                settings,
                record,
                knowledge: RwLock::new(knowledge),
                targets: Locks::default(),
                volumes: Locks::default(),
                walks: Locks::default(),
                turns: Semaphore::new(ownership::AT_ONCE),
                request_ids: RequestIds::new(),
                changes: watch::Sender::new(0),
                acts: TaskTracker::new(),
            }),
        };
        volumes.inner.find_again()?;
        Ok(volumes)
    }

    /// Translates with this from now on.
    pub fn learn(&self, knowledge: Knowledge) {
        // A value is whole before and after.
        let known = self.inner.knowledge.write();
        *known.unwrap_or_else(PoisonError::into_inner) = knowledge;
    }

    /// What is mounted, may be mounted, or is yet to be released.
    pub fn list(&self) -> Vec<ListedVolume> {
        listed::list(&self.inner.record)
    }

    /// Where something is mounted, or may be.
    pub fn targets(&self) -> BTreeSet<PathBuf> {
        let all = self.inner.record.all();
        let mounts = all.iter().flat_map(|record| &record.mounts);
        mounts.map(|mount| mount.target.to_path_buf()).collect()
    }

    /// The records that are not trusted; their volumes are left alone.
    pub fn refused(&self) -> Vec<Refused> {
        self.inner.record.refused()
    }

    /// Waits for what is under way, when no more calls come: an ending daemon leaves
    /// mounts alone, and nothing half done where that takes no longer than a call may.
    pub async fn finish(&self) {
        self.inner.acts.close();
        self.inner.acts.wait().await;
    }

    /// Changes whenever [`list`](Self::list) may have.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }
}

impl std::fmt::Debug for Volumes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Volumes").finish_non_exhaustive()
    }
}

impl Inner {
    fn knowledge(&self) -> Knowledge {
        let known = self.knowledge.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the list may have changed.
    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Reads records again that were not trusted: somebody may have put them right.
    async fn check_refused(self: &Arc<Self>) -> Result<(), RecordError> {
        let before = self.record.refused().len();
        let trusted = self.record.check_refused().await?;
        if !trusted.is_empty() {
            let (inner, trusted) = (self.clone(), trusted);
            let found = tokio::task::spawn_blocking(move || inner.find_published(&trusted));
            let broken = |broken: JoinError| RecordError::BrokeOff(broken.to_string());
            found.await.map_err(broken)??;
        }
        if self.record.refused().len() != before {
            self.changed();
        }
        Ok(())
    }

    fn find_again(&self) -> Result<(), RecordError> {
        let all = self.record.all();
        self.find_published(&all)?;
        if !all.is_empty() {
            let mounts: usize = all.iter().map(|record| record.mounts.len()).sum();
            tracing::info!(volumes = all.len(), mounts, "found the record again");
        }
        Ok(())
    }

    /// What was published in this boot, is mounted, and has its files in its group is
    /// published. All else is done again when kubelet asks again, or undone.
    fn find_published(&self, records: &[Arc<VolumeRecord>]) -> Result<(), RecordError> {
        let boot_id = self.record.boot_id();
        let pending = self.record.pending_ownership_now()?;
        let is_pending = |target: &Path| pending.iter().any(|pending| *pending.target == *target);
        let targets: Vec<Arc<Path>> = records
            .iter()
            .filter(|record| record.boot_id == boot_id)
            .flat_map(|record| &record.mounts)
            .map(|mount| mount.target.clone())
            .filter(|target| !is_pending(target))
            .collect();
        match self.settings.mount_points.are_mounted(&targets) {
            Ok(mounted) => {
                for (target, is_mounted) in targets.iter().zip(mounted) {
                    if is_mounted {
                        self.record.set_state(target, MountState::Published);
                    }
                }
            }
            Err(error) => tracing::warn!(
                %error,
                "the mount table cannot be read, so it is not known which mounts are there"
            ),
        }
        Ok(())
    }
}
