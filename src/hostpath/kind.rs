//! What a volume is made of.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The kinds of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A directory on the filesystem of the state directory; its capacity is a number only.
    Directory,
    /// An ext4 filesystem in a file.
    Ext4,
    /// An xfs filesystem in a file.
    Xfs,
    /// A btrfs filesystem in a file.
    Btrfs,
    /// A file that is a block device.
    Block,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

impl Kind {
    /// The kind of a name, in any case.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        <Self as ValueEnum>::from_str(name, true).ok()
    }

    /// The filesystem of the kinds that have one of their own, and so its kind.
    pub(super) fn of_filesystem(fs_type: &str) -> Option<Self> {
        [Self::Ext4, Self::Xfs, Self::Btrfs]
            .into_iter()
            .find(|kind| kind.filesystem() == Some(fs_type))
    }

    /// The filesystem that is made on volumes of this kind.
    pub(super) fn filesystem(self) -> Option<&'static str> {
        match self {
            Self::Directory | Self::Block => None,
            Self::Ext4 => Some("ext4"),
            Self::Xfs => Some("xfs"),
            Self::Btrfs => Some("btrfs"),
        }
    }

    /// Whether volumes are files behind loop devices.
    pub(super) fn is_image(self) -> bool {
        self != Self::Directory
    }

    /// The least capacity, in bytes. mkfs.xfs refuses under 300 MiB (xfsprogs
    /// 5.19 on), mkfs.btrfs under 109 MiB.
    pub(super) fn minimum(self) -> u64 {
        match self {
            Self::Directory => 1,
            Self::Block => 4 * KIB,
            Self::Ext4 => 16 * MIB,
            Self::Btrfs => 128 * MIB,
            Self::Xfs => 300 * MIB,
        }
    }

    /// Capacities are multiples of this many bytes.
    pub(super) fn granularity(self) -> u64 {
        if self.is_image() { 4 * KIB } else { 1 }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::Block => "block",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        })
    }
}
