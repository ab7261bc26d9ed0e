//! Who gives a volume to the pod's fsGroup.

use super::CsiVolume;

/// `CSIDriver.spec.fsGroupPolicy`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OwnershipPolicy {
    /// Where it has an fsType and one node at a time writes.
    #[default]
    ReadWriteOnceWithFsType,
    /// Always.
    File,
    /// Never.
    None,
}

/// Who gives a volume to the pod's fsGroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Nobody.
    Kept,
    /// The driver, which is told the group.
    Driver(u32),
    /// Whoever mounts, once it is mounted.
    Mounter(u32),
}

impl CsiVolume {
    /// Who gives the volume to a group (kubernetes v1.36
    /// `pkg/volume/csi/csi_mounter.go`, `SetUpAt` and `supportsFSGroup`): a driver
    /// with VOLUME_MOUNT_GROUP does it itself.
    pub fn ownership(
        &self,
        group: Option<u32>,
        read_only: bool,
        policy: OwnershipPolicy,
        volume_mount_group: bool,
    ) -> Ownership {
        let Some(group) = group else {
            return Ownership::Kept;
        };
        if volume_mount_group {
            return Ownership::Driver(group);
        }
        let applies = match policy {
            _ if read_only => false,
            OwnershipPolicy::None => false,
            OwnershipPolicy::File => true,
            OwnershipPolicy::ReadWriteOnceWithFsType => {
                let mut modes = self.access_modes.iter();
                !self.fs_type.is_empty() && modes.any(|mode| mode.is_read_write_once())
            }
        };
        if applies {
            Ownership::Mounter(group)
        } else {
            Ownership::Kept
        }
    }
}
