//! Unmounting a pod's volume.

use std::path::Path;
use std::sync::Arc;

use super::act::Guards;
use super::mount::within;
use super::{CallContext, Inner, ReleaseWhen, VolumeError, Volumes};
use crate::flexvolume::PodTarget;
use crate::node_record::Refused;

/// What became of an unmount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmounted {
    /// It was ours, and is done.
    Ours,
    /// Nothing is mounted there, and nothing was recorded.
    Nothing,
    /// Something is mounted there that was never recorded.
    NotOurs {
        /// The records that are not trusted: it may stand in one of them. Where it is
        /// not another driver's either, nothing is to be done with it while there are
        /// any.
        refused: Vec<Refused>,
    },
}

impl Volumes {
    /// Unmounts what is at a target. It asks the CSI driver alone, never the cluster.
    ///
    /// # Errors
    /// It may still be mounted. It can be called again.
    pub async fn unmount(
        &self,
        target: &PodTarget,
        context: CallContext,
    ) -> Result<Unmounted, VolumeError> {
        let inner = &self.inner;
        let path: Arc<Path> = target.path.as_path().into();
        // A mount of it that is under way comes first.
        let target = Arc::new(inner.lock_target(&path, context.deadline).await?);
        let mut entry = inner.record.at(&path);
        if entry.is_none() {
            if !inner.is_mounted(&path).await? {
                return Ok(Unmounted::Nothing);
            }
            inner.check_refused().await?;
            entry = inner.record.at(&path);
        }
        let Some(entry) = entry else {
            let refused = inner.record.refused();
            return Ok(Unmounted::NotOurs { refused });
        };
        let volume = inner.lock_volume(&entry.volume, context.deadline).await?;
        let undone = inner
            .clone()
            .unmount(path, context.clone(), (target, volume));
        within(context.deadline, "the unmount", inner.acts.spawn(undone)).await?;
        Ok(Unmounted::Ours)
    }
}

impl Inner {
    /// Unpublishes a target, takes it from the record, and releases the volume if
    /// it was the last.
    pub(super) async fn unmount(
        self: Arc<Self>,
        target: Arc<Path>,
        context: CallContext,
        guards: Guards,
    ) -> Result<(), VolumeError> {
        let (target_guard, volume) = guards;
        let id = volume.key().clone();
        self.ask_to_unpublish(&id, &target, &context).await?;
        self.remove_target(&id, &target).await?;
        let is_last = self.forget(&id, &target).await?;
        self.changed();
        tracing::info!(
            request_id = %context.request_id, driver = %id.driver, volume = %id.handle,
            target = %target.display(), "unmounted"
        );
        if is_last {
            match self.settings.release {
                ReleaseWhen::AtOnce => {
                    self.release_or_keep(volume, &context).await;
                }
                ReleaseWhen::Later => {
                    // It holds the volume's lock: a mount that comes now waits for it.
                    let inner = self.clone();
                    self.acts.spawn(async move {
                        let context = inner.own_context();
                        inner.release_or_keep(volume, &context).await;
                    });
                }
            }
        }
        drop(target_guard);
        Ok(())
    }
}
