//! Giving a volume's files to the pod's fsGroup, as kubelet does it for CSI
//! (kubernetes v1.36 `pkg/volume/volume_linux.go`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::staging::blocking;
use super::walk;
use super::{Inner, VolumeError};
use crate::node_record::{MountState, PendingOwnership};

/// When it is looked for a volume that may appear late; the next after twice the
/// time.
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// The last look is some four minutes later: a call to a driver takes two at most.
const LOOKS: u32 = 10;

/// Gives the files at a target to the group. Single files that cannot be changed,
/// as on NFS with root squashed, are counted and left, as kubelet leaves them.
pub(super) async fn give(pending: &PendingOwnership) -> Result<(), VolumeError> {
    let PendingOwnership {
        target,
        group,
        on_root_mismatch,
        ..
    } = pending.clone();
    let path = target.clone();
    let left = blocking(&target, move || {
        let failed = VolumeError::io("give the pod's group the files in", &path);
        walk::give(&path, group, on_root_mismatch).map_err(failed)
    })
    .await?;
    if left > 0 {
        tracing::warn!(
            target = %target.display(), group, files = left,
            "some files could not be given to the pod's group"
        );
    }
    Ok(())
}

impl Inner {
    /// Waits for a volume whose publishing was not answered in time: kubelet takes
    /// it for mounted once it is there, and does not ask again.
    pub(super) async fn follow_up(self: Arc<Self>, target: Arc<Path>) {
        let mut pause = FIRST_LOOK;
        for _ in 0..LOOKS {
            tokio::time::sleep(pause).await;
            pause *= 2;
            let entry = self.record.at(&target);
            if entry.is_none_or(|entry| entry.state == MountState::Published) {
                return;
            }
            self.finish_ownership(Some(&target)).await;
        }
    }

    /// Gives files to their groups where a mount was not seen to its end: those at
    /// one target, or all.
    pub(super) async fn finish_ownership(&self, only: Option<&Path>) {
        let pending = match self.record.pending_ownership().await {
            Ok(pending) => pending,
            Err(error) => return tracing::warn!(%error, "notes on ownership cannot be read"),
        };
        for pending in pending {
            if only.is_none_or(|only| *only == *pending.target)
                && let Err(error) = self.finish(&pending).await
            {
                let target = pending.target.display();
                tracing::warn!(%target, %error, "files are not given to the pod's group yet");
            }
        }
    }

    async fn finish(&self, pending: &PendingOwnership) -> Result<(), VolumeError> {
        let target = &pending.target;
        let deadline = self.own_context().deadline;
        let _target = self.lock_target(target, deadline).await?;
        let Some(entry) = self.record.at(target) else {
            return Ok(self.record.end_ownership(target).await?);
        };
        let _volume = self.lock_volume(&entry.volume, deadline).await?;
        if !self.is_mounted(target).await? {
            // It is mounted again with the next call, or undone.
            return Ok(());
        }
        give(pending).await?;
        self.record.end_ownership(target).await?;
        self.record.set_state(target, MountState::Published);
        self.changed();
        Ok(())
    }
}
