//! Giving a volume's files to the pod's fsGroup, as kubelet does it for CSI
//! (kubernetes v1.36 `pkg/volume/volume_linux.go`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::staging::blocking;
use super::walk;
use super::{Inner, VolumeError};
use crate::node_record::{MountState, PendingOwnership};

/// When it is looked for a volume that may appear late; the next after twice the
/// time.
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// The last look is some four minutes later: a call to a driver takes two at most.
const LOOKS: u32 = 10;

/// How many volumes are given to their groups at a time that nobody waits for.
pub(super) const AT_ONCE: usize = 8;

/// How often a daemon may end while it is at one volume, before that is left as it is:
/// what a pod has made there might be what ends it.
const TRIES: u32 = 5;

/// Gives the files at a target to the group. Single files that cannot be changed,
/// as on NFS with root squashed, are counted and left, as kubelet leaves them.
async fn give(pending: &PendingOwnership) -> Result<(), VolumeError> {
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
    /// Gives the files at a target to the group, and takes the note away that says that
    /// they are not.
    pub(super) async fn give(&self, pending: &PendingOwnership) -> Result<(), VolumeError> {
        give(pending).await?;
        Ok(self.record.end_ownership(&pending.target).await?)
    }

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
            self.clone().finish(target.clone()).await;
        }
    }

    /// Begins to give files to their groups where a mount was not seen to its end. It
    /// can take as long as a file system likes, so nobody waits for it.
    pub(super) async fn finish_ownership(self: &Arc<Self>) {
        match self.record.pending_ownership().await {
            Ok(pending) => {
                for pending in pending {
                    tokio::spawn(self.clone().finish(pending.target));
                }
            }
            Err(error) => tracing::warn!(%error, "notes on ownership cannot be read"),
        }
    }

    /// Gives the files at a target to their group, unless somebody is at it already.
    async fn finish(self: Arc<Self>, target: Arc<Path>) {
        let walk = target.to_path_buf();
        let Some(_walk) = self.walks.take(&walk, Instant::now()).await else {
            return;
        };
        let _turn = self.turns.acquire().await;
        if let Err(error) = self.finish_now(&target).await {
            let target = target.display();
            tracing::warn!(%target, %error, "files are not given to the pod's group yet");
        }
    }

    async fn finish_now(&self, target: &Arc<Path>) -> Result<(), VolumeError> {
        let deadline = self.own_context().deadline;
        let _target = self.lock_target(target, deadline).await?;
        // Whoever had the target before may have done it.
        let Some(pending) = self.record.pending_ownership_of(target).await? else {
            return Ok(());
        };
        let Some(entry) = self.record.at(target) else {
            return Ok(self.record.end_ownership(target).await?);
        };
        let _volume = self.lock_volume(&entry.volume, deadline).await?;
        if !self.is_mounted(target).await? {
            // It is mounted again with the next call, or undone.
            return Ok(());
        }
        if pending.tries < TRIES {
            let mut tried = pending.clone();
            tried.tries += 1;
            self.record.begin_ownership(tried).await?;
            if let Err(error) = self.give(&pending).await {
                // We have not ended over it.
                self.record.begin_ownership(pending).await?;
                return Err(error);
            }
        } else {
            tracing::error!(
                target = %target.display(), group = pending.group, tries = pending.tries,
                "the daemon has ended each time while it gave the files of a volume to the pod's \
                 group, so they stay as they are: give them to the group by hand, or start the \
                 pod anew"
            );
            self.record.end_ownership(target).await?;
        }
        self.record.set_state(target, MountState::Published);
        self.changed();
        Ok(())
    }
}
