//! What is mounted on this node, a row for each mount.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::mountinfo::{MountTable, real_path};
use crate::node_record::{Mount, VolumeRecord};
use crate::original_mounts::OriginalMount;

/// A mount of a legacy volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountRow {
    /// The pod's namespace; of an original driver's mounts only the pod's uid is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Its uid.
    #[serde(rename = "podUID", skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// The PersistentVolume, or the pod's name for an inline volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// The FlexVolume driver, as `vendor/driver`.
    pub flex_driver: String,
    /// The CSI driver that has it; none for an original driver's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csi_driver: Option<String>,
    /// The volume's CSI handle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Where it is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<PathBuf>,
    /// How it stands with it.
    pub state: RowState,
}

/// How it stands with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RowState {
    /// It is there, through the daemon.
    Mounted,
    /// It is recorded and not there: a call is under way, or its pod is ending.
    NotMounted,
    /// No pod has it any more, and it is still to be unstaged or detached.
    Releasing,
    /// It is the original driver's.
    Original,
}

impl RowState {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mounted => "mounted",
            Self::NotMounted => "not mounted",
            Self::Releasing => "releasing",
            Self::Original => "original",
        }
    }
}

/// The rows of a recorded volume.
pub(super) fn of_record(record: &VolumeRecord, table: &MountTable) -> Vec<MountRow> {
    let row = |state| MountRow {
        namespace: None,
        pod: None,
        pod_uid: None,
        volume: record.persistent_volume.clone(),
        flex_driver: record.legacy_driver.to_string(),
        csi_driver: Some(record.volume.driver.clone()),
        handle: Some(record.volume.handle.clone()),
        target: None,
        state,
    };
    if record.mounts.is_empty() {
        return vec![row(RowState::Releasing)];
    }
    let of_mount = |mount: &Mount| {
        let target = real_path(&mount.target);
        let state = if table.at(&target).is_some() {
            RowState::Mounted
        } else {
            RowState::NotMounted
        };
        let inline = || Some(mount.target.file_name()?.to_string_lossy().into_owned());
        MountRow {
            namespace: Some(mount.pod.namespace.clone()),
            pod: Some(mount.pod.name.clone()),
            pod_uid: Some(mount.pod.uid.clone()),
            volume: record.persistent_volume.clone().or_else(inline),
            target: Some(mount.target.to_path_buf()),
            ..row(state)
        }
    };
    record.mounts.iter().map(of_mount).collect()
}

/// The row of an original driver's mount.
pub(super) fn of_original(mount: OriginalMount) -> MountRow {
    MountRow {
        namespace: None,
        pod: None,
        pod_uid: Some(mount.pod_uid),
        volume: Some(mount.volume),
        flex_driver: mount.driver,
        csi_driver: None,
        handle: None,
        target: Some(mount.target),
        state: RowState::Original,
    }
}

/// Every target that is recorded.
pub(super) fn targets(records: &[VolumeRecord]) -> BTreeSet<PathBuf> {
    let mounts = records.iter().flat_map(|record| &record.mounts);
    mounts.map(|mount| mount.target.to_path_buf()).collect()
}
