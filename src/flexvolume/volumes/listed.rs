//! What is mounted, for `flex2csi node status` and for the cluster.

use std::path::Path;
use std::sync::Arc;

use crate::cluster::{PodName, VolumeId};
use crate::node_record::{MountState, NodeRecord};

/// A volume of a pod, or one that no pod has any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVolume {
    /// The volume, as CSI knows it.
    pub volume: Arc<VolumeId>,
    /// The FlexVolume driver, as `vendor/driver`.
    pub legacy_driver: Arc<str>,
    /// The PersistentVolume; `None` for one that stands in its pod.
    pub persistent_volume: Option<String>,
    /// Whether it is, or may be, attached by us.
    pub is_attached: bool,
    /// Whether it is, or may be, staged.
    pub is_staged: bool,
    /// How it stands with it.
    pub state: MountedState,
    /// The pod and its path; `None` for one that no pod has any more.
    pub mount: Option<ListedMount>,
}

/// A volume at a pod's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMount {
    /// The path.
    pub target: Arc<Path>,
    /// Whose it is.
    pub pod: PodName,
    /// Whether it is not to be written.
    pub read_only: bool,
    /// When it was first asked for, in seconds since 1970.
    pub since: u64,
}

/// How it stands with a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountedState {
    /// It is mounted.
    Published,
    /// It is being mounted or unmounted, or such a call has failed in a way that
    /// leaves open what it did.
    Uncertain,
    /// No pod here has it any more, and it is yet to be unstaged or detached.
    Releasing,
}

impl MountedState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "Published",
            Self::Uncertain => "Uncertain",
            Self::Releasing => "Releasing",
        }
    }
}

pub(super) fn list(record: &NodeRecord) -> Vec<ListedVolume> {
    let mut all = Vec::new();
    for volume in record.all() {
        let listed = |state, mount| ListedVolume {
            volume: volume.volume.clone(),
            legacy_driver: volume.legacy_driver.clone(),
            persistent_volume: volume.persistent_volume.clone(),
            is_attached: volume.is_attached,
            is_staged: volume.is_staged,
            state,
            mount,
        };
        if volume.mounts.is_empty() {
            all.push(listed(MountedState::Releasing, None));
        }
        for mount in &volume.mounts {
            let state = match record.at(&mount.target).map(|entry| entry.state) {
                Some(MountState::Published) => MountedState::Published,
                Some(MountState::Uncertain) | None => MountedState::Uncertain,
            };
            let listed_mount = ListedMount {
                target: mount.target.clone(),
                pod: mount.pod.clone(),
                read_only: mount.read_only,
                since: mount.since,
            };
            let mut listed = listed(state, Some(listed_mount));
            if let Some(driver) = record.legacy_driver_of(mount)
                && *driver != *listed.legacy_driver
            {
                listed.legacy_driver = driver.into();
            }
            all.push(listed);
        }
    }
    all
}
