//! Detaching, and freeing the Lease after it.

use std::time::Duration;

use tokio::time::Instant;

use super::lease::VolumeLease;
use super::object::Attachment;
use super::volume_attachments::{VolumeAttachments, failed};
use super::{AttachError, Detached};
use crate::api_request::RequestError;
use crate::cluster::VolumeId;

/// How long a detached volume's Lease is looked after here; `flex2csi controller`
/// and the next node that wants the volume go on after that.
const SETTLED_WITHIN: Duration = Duration::from_secs(600);

/// The first pause between two looks; each is twice the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often a Lease that others write at the same time is read again.
const ATTEMPTS: usize = 5;

impl VolumeAttachments {
    pub(super) async fn detach_volume(&self, volume: &VolumeId) -> Result<Detached, AttachError> {
        let failed = |error| failed(volume, error);
        let found = self.find(&self.name_of(volume)).await.map_err(failed)?;
        let Some(found) = found else {
            self.release_lease(volume).await.map_err(failed)?;
            // It is nobody's now, and the next look frees it.
            self.free_lease(volume).await.map_err(failed)?;
            return Ok(Detached::Gone);
        };
        // Not asking would be to delete what the attach/detach controller goes by.
        if self.is_adopted(&found, volume).await? {
            self.release_lease(volume).await.map_err(failed)?;
            return Ok(Detached::Adopted);
        }
        self.release_lease(volume).await.map_err(failed)?;
        if !found.is_being_deleted {
            self.delete(&found).await.map_err(failed)?;
            tracing::info!(attachment = %found.name, handle = %volume.handle, "deleted the attachment");
        }
        let (this, volume) = (self.clone(), volume.clone());
        tokio::spawn(async move { this.settle(&volume).await });
        Ok(Detached::UnderWay)
    }

    pub(super) async fn hand_over_volume(&self, volume: &VolumeId) -> Result<bool, AttachError> {
        let failed = |error| failed(volume, error);
        let found = self.find(&self.name_of(volume)).await.map_err(failed)?;
        // Who would detach what has none is not known.
        let Some(found) = found.filter(|found| !found.is_being_deleted) else {
            return Ok(false);
        };
        if !self.is_adopted(&found, volume).await? {
            return Ok(false);
        }
        self.release_lease(volume).await.map_err(failed)?;
        Ok(true)
    }

    /// Whether an attachment is the attach/detach controller's: a PersistentVolume in
    /// CSI form has taken it over, or will.
    async fn is_adopted(&self, found: &Attachment, volume: &VolumeId) -> Result<bool, AttachError> {
        let is_ours = found.is_ours && found.names_volume.is_none();
        let failed = |error| failed(volume, error);
        Ok(!is_ours
            || self.is_rewritten(found).await.map_err(failed)?
            || self.csi_volumes.csi_volume_with(volume).await?.is_some())
    }

    /// Frees a volume's Lease as soon as its attachment is gone. It ends when
    /// there is nothing to free, or after ten minutes.
    pub async fn settle(&self, volume: &VolumeId) {
        let deadline = Instant::now() + SETTLED_WITHIN;
        let mut pause = FIRST_PAUSE;
        while Instant::now() < deadline {
            match self.free_lease(volume).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(handle = %volume.handle, %error, "the volume's Lease is not free yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Marks the volume's Leases, where this node holds them.
    async fn release_lease(&self, volume: &VolumeId) -> Result<(), RequestError> {
        for is_shared in [false, true] {
            self.release(volume, &self.lease_of(volume, is_shared))
                .await?;
        }
        Ok(())
    }

    async fn release(&self, volume: &VolumeId, name: &str) -> Result<(), RequestError> {
        for _ in 0..ATTEMPTS {
            let Some(lease) = self.leases.find(name).await? else {
                return Ok(());
            };
            if !self.holds(&lease, volume) {
                return Ok(());
            }
            match self.leases.mark_released(&lease).await {
                Err(RequestError::Conflict | RequestError::NotFound) => {}
                done => return done,
            }
        }
        Err(RequestError::Unavailable(format!(
            "Lease {name} changes all the time"
        )))
    }

    fn holds(&self, lease: &VolumeLease, volume: &VolumeId) -> bool {
        lease.volume == *volume && lease.holder.as_ref() == Some(&self.settings.node)
    }

    /// Frees the volume's Leases where this node has let go of it and the attachment
    /// is gone; whether nothing is left to do. Leases are read first: one that is
    /// taken again meanwhile is not deleted.
    async fn free_lease(&self, volume: &VolumeId) -> Result<bool, RequestError> {
        let mut released = Vec::new();
        for is_shared in [false, true] {
            let found = self.leases.find(&self.lease_of(volume, is_shared)).await?;
            released.extend(found.filter(|lease| lease.is_released && self.holds(lease, volume)));
        }
        if released.is_empty() {
            return Ok(true);
        }
        if self.find(&self.name_of(volume)).await?.is_some() {
            return Ok(false);
        }
        for lease in &released {
            match self.leases.free(lease).await {
                Ok(()) => {}
                Err(RequestError::Conflict) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
