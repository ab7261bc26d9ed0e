//! Which PersistentVolumes are in CSI form.

use super::Attaching;
use crate::cluster::VolumeId;

/// Knows the cluster's PersistentVolumes in CSI form.
pub trait CsiVolumes: Send + Sync {
    /// The PersistentVolume in CSI form that has a handle, if there is one. No
    /// answer is an error, never `None`.
    fn csi_volume_with<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Option<String>>;
}
