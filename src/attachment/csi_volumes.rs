//! Which PersistentVolumes are in CSI form.

use k8s_openapi::api::core::v1::PersistentVolume;

use super::{AttachError, Attaching};
use crate::cluster::{Api, VolumeId};

/// Knows the cluster's PersistentVolumes in CSI form.
pub trait CsiVolumes: Send + Sync {
    /// The PersistentVolume in CSI form that has a handle, if there is one. No
    /// answer is an error, never `None`.
    fn csi_volume_with<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Option<String>>;
}

impl CsiVolumes for Api {
    fn csi_volume_with<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Option<String>> {
        Box::pin(async move {
            let found = Api::csi_volume_with(self, volume).await;
            found.map_err(|error| AttachError::unasked(volume, &error))
        })
    }
}

/// The volume of a PersistentVolume in CSI form.
pub(crate) fn csi_volume(pv: &PersistentVolume) -> Option<VolumeId> {
    let csi = pv.spec.as_ref()?.csi.as_ref()?;
    Some(VolumeId {
        driver: csi.driver.clone(),
        handle: csi.volume_handle.clone(),
    })
}
