//! Releasing a volume that no pod here has any more through this door: unstaging and
//! detaching it, unless kubelet's CSI plugin has it now ([`super::hand_over`]).

use std::time::Duration;

use super::holders::is_held_here;
use super::locks::Guard;
use super::prepare::of_volume;
use super::staging::{Place, blocking};
use super::{CallContext, Inner, VolumeError, requests};
use crate::attachment::{AttachError, Detached};
use crate::cluster::VolumeId;
use crate::csi_client;
use crate::fault_points::{self as points, at};
use crate::node_record::VolumeRecord;

/// How long the cluster may take to say whether a volume is held, or to detach.
pub(super) const CLUSTER: Duration = Duration::from_secs(10);

/// What became of a volume without mounts.
enum Released {
    /// Nothing is left of it.
    All,
    /// It is kubelet's, which lets go of it in its own time.
    ToKubelet,
    /// It stays recorded.
    Not,
}

impl Inner {
    /// Releases a volume without mounts, or keeps it recorded until the next try.
    /// Gives whether nothing is left of it.
    pub(super) async fn release_or_keep(
        &self,
        volume: Guard<VolumeId>,
        context: &CallContext,
    ) -> bool {
        let id = volume.key();
        let Some(record) = self.record.find(id) else {
            return true;
        };
        if !record.mounts.is_empty() {
            return false;
        }
        let released = self.release(&record, context).await;
        let is_released = matches!(released, Ok(Released::All | Released::ToKubelet));
        match released {
            Ok(Released::All) => tracing::info!(
                request_id = %context.request_id, driver = %id.driver, volume = %id.handle,
                "released"
            ),
            Ok(Released::ToKubelet) => tracing::info!(
                request_id = %context.request_id, driver = %id.driver, volume = %id.handle,
                "left to kubelet's CSI plugin, which has it for a pod: its PersistentVolume was rewritten"
            ),
            Ok(Released::Not) => tracing::debug!(
                request_id = %context.request_id, volume = %id.handle,
                "the volume stays: kubelet's CSI plugin may need it"
            ),
            Err(error) => tracing::warn!(
                request_id = %context.request_id, driver = %id.driver, volume = %id.handle, %error,
                "the volume is not released yet; it is tried again"
            ),
        }
        if !is_released
            && let Some(record) = self.record.find(id)
            && let Err(error) = self.record.put_if_changed(&record).await
        {
            // The file says of more than is there, and that is undone once more.
            tracing::warn!(volume = %id.handle, %error, "a release cannot be recorded");
        }
        self.changed();
        is_released
    }

    async fn release(
        &self,
        record: &VolumeRecord,
        context: &CallContext,
    ) -> Result<Released, VolumeError> {
        let id = &*record.volume;
        if self.is_held(record).await {
            if !self.hand_over(record).await? {
                return Ok(Released::Not);
            }
            self.remove_record(id).await?;
            return Ok(Released::ToKubelet);
        }
        if record.is_staged {
            self.unstage(id, context).await?;
        }
        if record.is_attached {
            if record.is_staged {
                // From here on the controller may detach it as well as we.
                let mut unstaged = record.clone();
                unstaged.is_staged = false;
                self.record.put(unstaged).await?;
                self.changed();
            }
            self.detach(id).await?;
        }
        self.remove_record(id).await?;
        Ok(Released::All)
    }

    async fn remove_record(&self, id: &VolumeId) -> Result<(), VolumeError> {
        at(points::RELEASE_BEFORE);
        self.record.remove(id).await?;
        at(points::RELEASE_AFTER);
        Ok(())
    }

    async fn unstage(&self, id: &VolumeId, context: &CallContext) -> Result<(), VolumeError> {
        let place = Place::of(&self.settings.root, id);
        let path = place.path();
        let sockets = self.find_sockets(&id.driver).await?;
        at(points::UNSTAGE_BEFORE);
        let request = requests::unstage(&id.handle, &path);
        let undone = csi_client::node_unstage(&sockets.node, &request, context).await;
        undone.map_err(of_volume(id))?;
        at(points::UNSTAGE_AFTER);
        place.remove(id, self.settings.mount_points.clone()).await?;
        at(points::UNSTAGE_REMOVED);
        Ok(())
    }

    async fn detach(&self, id: &VolumeId) -> Result<(), VolumeError> {
        let Some(attacher) = &self.settings.attacher else {
            return Err(VolumeError::NoAttacher {
                driver: id.driver.clone(),
            });
        };
        at(points::DETACH_BEFORE);
        let detached = tokio::time::timeout(CLUSTER, attacher.detach(id)).await;
        let what = "detaching the volume";
        match detached.map_err(|_| VolumeError::Late { what })? {
            Ok(Detached::Gone | Detached::UnderWay) => {}
            Ok(Detached::Adopted) => tracing::info!(
                driver = %id.driver, volume = %id.handle,
                "the attachment is the attach/detach controller's now"
            ),
            // It never was ours.
            Err(AttachError::Elsewhere { .. } | AttachError::OtherVolume { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        at(points::DETACH_AFTER);
        Ok(())
    }

    /// Whether kubelet's CSI plugin has the volume, or may have it. No answer counts
    /// as yes.
    async fn is_held(&self, record: &VolumeRecord) -> bool {
        let (root, id) = (self.settings.root.clone(), record.volume.clone());
        let here = blocking(&self.settings.root, move || {
            is_held_here(&root, &id).map_err(VolumeError::io("look through", &root))
        });
        match here.await {
            Ok(false) => {}
            Ok(true) => return true,
            Err(error) => {
                tracing::warn!(%error, "it cannot be seen whether kubelet's CSI plugin has a volume");
                return true;
            }
        }
        let cluster = &self.settings.cluster;
        let asked = cluster.holds(&record.volume, &record.ended);
        match tokio::time::timeout(CLUSTER, asked).await {
            Ok(Ok(is_held)) => is_held,
            Ok(Err(error)) => {
                tracing::warn!(volume = %record.volume.handle, %error, "the volume is kept");
                true
            }
            Err(_) => {
                tracing::warn!(
                    volume = %record.volume.handle,
                    "the cluster does not say whether the volume is still needed; it is kept"
                );
                true
            }
        }
    }
}
