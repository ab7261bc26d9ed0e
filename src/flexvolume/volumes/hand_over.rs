//! Leaving a volume to kubelet's CSI plugin, which has it for a pod under which its
//! PersistentVolume was rewritten. From then on it is a CSI volume like any other:
//! kubelet unstages it, the attach/detach controller detaches it, and this daemon may
//! go.

use super::holders::published_here;
use super::release::CLUSTER;
use super::staging::blocking;
use super::{Inner, VolumeError};
use crate::node_record::VolumeRecord;

impl Inner {
    /// Whether a volume without mounts can be forgotten: others see to all that was done
    /// for it. Nothing is unstaged or detached here, and nothing is changed but its
    /// Leases, so that it can be tried at any time and again. Whatever ends after this
    /// look, as the pod, ends through those who have the volume.
    pub(super) async fn hand_over(&self, record: &VolumeRecord) -> Result<bool, VolumeError> {
        if !self.is_published_by_kubelet(record).await? {
            return Ok(false);
        }
        if !record.is_attached {
            return Ok(true);
        }
        let Some(attacher) = &self.settings.attacher else {
            return Ok(false);
        };
        let asked = tokio::time::timeout(CLUSTER, attacher.hand_over(&record.volume));
        let what = "leaving the attachment to the attach/detach controller";
        Ok(asked.await.map_err(|_| VolumeError::Late { what })??)
    }

    /// Whether kubelet's CSI plugin has the volume mounted for a pod. It stages before it
    /// publishes, so whatever is staged is then kubelet's to unstage, whoever staged it
    /// first. What it has only begun, or had before a reboot, does not count.
    async fn is_published_by_kubelet(&self, record: &VolumeRecord) -> Result<bool, VolumeError> {
        let (root, id) = (self.settings.root.clone(), record.volume.clone());
        let mount_points = self.settings.mount_points.clone();
        blocking(&self.settings.root, move || {
            let published = published_here(&root, &id)
                .and_then(|targets| mount_points.are_mounted(&targets))
                .map_err(VolumeError::io("look through", &root))?;
            Ok(published.contains(&true))
        })
        .await
    }
}
