//! Access modes, as Kubernetes and as CSI have them.

use std::borrow::Cow;

/// `PersistentVolume.spec.accessModes`, one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// For one node.
    ReadWriteOnce,
    /// For one pod.
    ReadWriteOncePod,
    /// For many nodes, to read.
    ReadOnlyMany,
    /// For many nodes.
    ReadWriteMany,
    /// One that is not known yet.
    Unknown,
}

/// `VolumeCapability.AccessMode.Mode` of CSI 1.12, with its numbers, as far as
/// Kubernetes uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum CsiAccessMode {
    /// None of the others.
    Unknown = 0,
    /// One node reads and writes; how many workloads is not said.
    SingleNodeWriter = 1,
    /// Many nodes read.
    MultiNodeReaderOnly = 3,
    /// Many nodes read and write.
    MultiNodeMultiWriter = 5,
    /// One workload on one node.
    SingleNodeSingleWriter = 6,
    /// Several workloads on one node.
    SingleNodeMultiWriter = 7,
}

impl AccessMode {
    /// The mode of this name.
    pub fn of(name: &str) -> Self {
        match name {
            "ReadWriteOnce" => Self::ReadWriteOnce,
            "ReadWriteOncePod" => Self::ReadWriteOncePod,
            "ReadOnlyMany" => Self::ReadOnlyMany,
            "ReadWriteMany" => Self::ReadWriteMany,
            _ => Self::Unknown,
        }
    }

    /// Its name.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteOncePod => "ReadWriteOncePod",
            Self::ReadOnlyMany => "ReadOnlyMany",
            Self::ReadWriteMany => "ReadWriteMany",
            Self::Unknown => "",
        })
    }

    /// What a driver is told, with and without its node capability
    /// SINGLE_NODE_MULTI_WRITER (kubernetes v1.36 `pkg/volume/csi/csi_client.go`,
    /// `asSingleNodeMultiWriterCapableCSIAccessModeV1` and `asCSIAccessModeV1`).
    pub fn csi(self, single_node_multi_writer: bool) -> CsiAccessMode {
        match (self, single_node_multi_writer) {
            (Self::ReadWriteOnce, true) => CsiAccessMode::SingleNodeMultiWriter,
            (Self::ReadWriteOncePod, true) => CsiAccessMode::SingleNodeSingleWriter,
            (Self::ReadWriteOnce | Self::ReadWriteOncePod, false) => {
                CsiAccessMode::SingleNodeWriter
            }
            (Self::ReadOnlyMany, _) => CsiAccessMode::MultiNodeReaderOnly,
            (Self::ReadWriteMany, _) => CsiAccessMode::MultiNodeMultiWriter,
            (Self::Unknown, _) => CsiAccessMode::Unknown,
        }
    }

    /// Whether one node at a time may write.
    pub fn is_read_write_once(self) -> bool {
        matches!(self, Self::ReadWriteOnce | Self::ReadWriteOncePod)
    }
}

impl CsiAccessMode {
    /// Its number in `csi.proto`.
    pub fn number(self) -> i32 {
        self as i32
    }
}
