//! How a volume is to be used: CSI's `VolumeCapability`, checked.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::kind::Kind;
use super::mount_options::MountOptions;
use crate::csi::v1;
use crate::csi::v1::volume_capability::access_mode::Mode as WireMode;

#[cfg(test)]
mod tests;

/// A capability that some kind of volume can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capability {
    pub access: Access,
    pub mode: Mode,
}

/// As what a volume appears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Access {
    Block,
    Mount {
        fs_type: String,
        flags: Vec<String>,
        group: String,
    },
}

/// On how many nodes, and to write or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Mode {
    SingleNodeWriter,
    SingleNodeReaderOnly,
    SingleNodeSingleWriter,
    SingleNodeMultiWriter,
    MultiNodeReaderOnly,
    MultiNodeSingleWriter,
    MultiNodeMultiWriter,
}

impl Mode {
    fn of_wire(mode: i32) -> Option<Self> {
        Some(match WireMode::try_from(mode).ok()? {
            WireMode::Unknown => return None,
            WireMode::SingleNodeWriter => Self::SingleNodeWriter,
            WireMode::SingleNodeReaderOnly => Self::SingleNodeReaderOnly,
            WireMode::SingleNodeSingleWriter => Self::SingleNodeSingleWriter,
            WireMode::SingleNodeMultiWriter => Self::SingleNodeMultiWriter,
            WireMode::MultiNodeReaderOnly => Self::MultiNodeReaderOnly,
            WireMode::MultiNodeSingleWriter => Self::MultiNodeSingleWriter,
            WireMode::MultiNodeMultiWriter => Self::MultiNodeMultiWriter,
        })
    }

    /// Whether more than one node may use the volume at a time.
    pub(super) fn is_multi_node(self) -> bool {
        matches!(
            self,
            Self::MultiNodeReaderOnly | Self::MultiNodeSingleWriter | Self::MultiNodeMultiWriter
        )
    }

    /// Whether nobody may write.
    pub(super) fn is_readonly(self) -> bool {
        matches!(self, Self::SingleNodeReaderOnly | Self::MultiNodeReaderOnly)
    }

    /// Whether one workload alone may use it.
    pub(super) fn is_single_workload(self) -> bool {
        self == Self::SingleNodeSingleWriter
    }
}

const FIELD: &str = "volume_capability";

impl Capability {
    /// A capability that has to be in a request.
    pub(super) fn required(wire: Option<&v1::VolumeCapability>) -> Result<Self, Error> {
        Self::of_wire(wire.ok_or(Error::Missing(FIELD))?)
    }

    /// Capabilities of which there has to be one.
    pub(super) fn list(wire: &[v1::VolumeCapability]) -> Result<Vec<Self>, Error> {
        if wire.is_empty() {
            return Err(Error::Missing("volume_capabilities"));
        }
        wire.iter().map(Self::of_wire).collect()
    }

    fn of_wire(wire: &v1::VolumeCapability) -> Result<Self, Error> {
        use v1::volume_capability::AccessType;
        let mode = wire.access_mode.ok_or(Error::Missing("access_mode"))?.mode;
        let mode = Mode::of_wire(mode)
            .ok_or_else(|| Error::invalid("access_mode", format!("{mode} is not known")))?;
        let access = match &wire.access_type {
            None => return Err(Error::Missing("access_type")),
            Some(AccessType::Block(_)) => Access::Block,
            Some(AccessType::Mount(mount)) => Access::Mount {
                fs_type: mount.fs_type.clone(),
                flags: mount.mount_flags.clone(),
                group: mount.volume_mount_group.clone(),
            },
        };
        Ok(Self { access, mode })
    }

    /// The flags of a mount.
    pub(super) fn mount_flags(&self) -> &[String] {
        match &self.access {
            Access::Block => &[],
            Access::Mount { flags, .. } => flags,
        }
    }

    /// Whether volumes of a kind have this capability; if not, why.
    pub(super) fn check(&self, kind: Kind) -> Result<(), String> {
        match (&self.access, kind) {
            (Access::Block, Kind::Block) => self.check_sharing(kind),
            (Access::Block, _) => Err(format!("a volume of kind {kind} is no block device")),
            (Access::Mount { .. }, Kind::Block) => {
                Err("a volume of kind block cannot be mounted".to_owned())
            }
            (Access::Mount { fs_type, flags, .. }, _) => {
                // A directory has no filesystem of its own, so that it can pose
                // as a volume of any, whose mount flags then mean nothing.
                if let Some(own) = kind.filesystem()
                    && !fs_type.is_empty()
                    && fs_type != own
                {
                    return Err(format!("a volume of kind {kind} is not {fs_type:?}"));
                }
                MountOptions::parse(flags)?;
                self.check_sharing(kind)
            }
        }
    }

    // One ext4 on two nodes is one kernel's cache against another's. Block
    // devices are the workload's to share, and directories the filesystem's.
    fn check_sharing(&self, kind: Kind) -> Result<(), String> {
        if kind.filesystem().is_some() && self.mode.is_multi_node() && !self.mode.is_readonly() {
            return Err(format!(
                "a volume of kind {kind} cannot be written to from several nodes"
            ));
        }
        Ok(())
    }
}
