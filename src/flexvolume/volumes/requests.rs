//! The requests of a volume, as kubelet makes them (kubernetes v1.36
//! `pkg/volume/csi/csi_client.go`).

use std::path::Path;

use flex2csi_translators::csi_volume::Ownership;

use super::prepare::Prepared;
use crate::attachment::PublishContext;
use crate::csi::v1;
use crate::node_record::VolumeRecord;
use v1::volume_capability::{AccessMode, AccessType, MountVolume};

fn capability(
    fs_type: &str,
    mount_flags: &[String],
    group: Option<u32>,
    mode: i32,
) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode { mode }),
        access_type: Some(AccessType::Mount(MountVolume {
            fs_type: fs_type.to_owned(),
            mount_flags: mount_flags.to_vec(),
            volume_mount_group: group.map(|group| group.to_string()).unwrap_or_default(),
        })),
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Prepared {
    fn capability(&self, group: Option<u32>) -> v1::VolumeCapability {
        let volume = &self.volume;
        capability(
            &volume.fs_type,
            &volume.mount_options,
            group,
            self.access_mode(),
        )
    }

    /// The group that the driver gives files to.
    pub fn mount_group(&self) -> Option<u32> {
        match self.ownership {
            Ownership::Driver(group) => Some(group),
            Ownership::Kept | Ownership::Mounter(_) => None,
        }
    }

    /// To stage it, as it was staged first.
    pub fn stage(
        &self,
        staging: &Path,
        group: Option<u32>,
        attached: &PublishContext,
    ) -> v1::NodeStageVolumeRequest {
        v1::NodeStageVolumeRequest {
            volume_id: self.id.handle.clone(),
            publish_context: attached.clone(),
            staging_target_path: text(staging),
            volume_capability: Some(self.capability(group)),
            secrets: self.stage_secrets.clone(),
            volume_context: self.volume.attributes.clone(),
        }
    }

    /// To publish it.
    pub fn publish(
        &self,
        staging: Option<&Path>,
        attached: PublishContext,
    ) -> v1::NodePublishVolumeRequest {
        v1::NodePublishVolumeRequest {
            volume_id: self.id.handle.clone(),
            publish_context: attached,
            staging_target_path: staging.map(text).unwrap_or_default(),
            target_path: text(&self.mount.target),
            volume_capability: Some(self.capability(self.mount_group())),
            readonly: self.mount.read_only,
            secrets: self.publish_secrets.clone(),
            volume_context: self.publish_attributes.clone(),
        }
    }
}

/// To undo publishing.
pub(super) fn unpublish(handle: &str, target: &Path) -> v1::NodeUnpublishVolumeRequest {
    v1::NodeUnpublishVolumeRequest {
        volume_id: handle.to_owned(),
        target_path: text(target),
    }
}

/// To undo staging.
pub(super) fn unstage(handle: &str, staging: &Path) -> v1::NodeUnstageVolumeRequest {
    v1::NodeUnstageVolumeRequest {
        volume_id: handle.to_owned(),
        staging_target_path: text(staging),
    }
}

/// The capability of a volume that is mounted.
pub(super) fn recorded_capability(record: &VolumeRecord) -> v1::VolumeCapability {
    let VolumeRecord {
        fs_type,
        mount_flags,
        access_mode,
        ..
    } = record;
    capability(fs_type, mount_flags, None, *access_mode)
}

/// At least this size (bytes).
pub(super) fn at_least(bytes: i64) -> Option<v1::CapacityRange> {
    Some(v1::CapacityRange {
        required_bytes: bytes,
        limit_bytes: 0,
    })
}

/// A path as a request has it.
pub(super) fn path(path: &Path) -> String {
    text(path)
}
