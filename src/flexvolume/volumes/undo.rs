//! Undoing what a mount has done: for an unmount, and before a failed mount is
//! answered.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::act::{Begun, Guards};
use super::prepare::{Prepared, of_volume};
use super::staging::{blocking, unless_gone};
use super::{CallContext, Inner, VolumeError, requests};
use crate::cluster::VolumeId;
use crate::csi_client::{self, LONGEST_CALL};
use crate::fault_points::{self as points, at};
use crate::node_record::MountState;

/// How often a driver is asked to undo a mount that has not said whether it did; each
/// time it may take as long as any call.
const TRIES: u32 = 5;

/// The pause between two of these.
const AGAIN: Duration = Duration::from_secs(1);

/// What is to be said where a driver has left a mount.
pub(super) fn still_mounted(id: &VolumeId, path: &Path) -> VolumeError {
    VolumeError::StillMounted {
        driver: id.driver.clone(),
        handle: id.handle.clone(),
        path: path.to_path_buf(),
    }
}

impl Inner {
    /// The context of what nobody waits for.
    pub(super) fn own_context(&self) -> CallContext {
        CallContext {
            request_id: self.request_ids.next(),
            deadline: Instant::now() + LONGEST_CALL,
        }
    }

    /// The context of what belongs to a call, and is not cut off with it.
    pub(super) fn longest(&self, context: &CallContext) -> CallContext {
        CallContext {
            request_id: context.request_id.clone(),
            ..self.own_context()
        }
    }

    /// Takes a volume away from a target, and does not come back while the driver may
    /// still be at it: it would go from under a pod that kubelet starts meanwhile.
    async fn unpublish_to_the_end(
        &self,
        id: &VolumeId,
        target: &Arc<Path>,
        context: &CallContext,
    ) -> Result<(), VolumeError> {
        let mut tries = 1;
        loop {
            match self.unpublish(id, target, &self.longest(context)).await {
                Err(error) if !error.is_final() && tries < TRIES => {
                    tracing::warn!(
                        request_id = %context.request_id, volume = %id.handle,
                        target = %target.display(), %error, "a failed mount is not undone yet"
                    );
                    tries += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                done => return done,
            }
        }
    }

    /// Has the driver take a volume away from a target, and sees that it is gone. The
    /// target stays: kubelet made it, and has not been answered yet.
    async fn unpublish(
        &self,
        id: &VolumeId,
        target: &Arc<Path>,
        context: &CallContext,
    ) -> Result<(), VolumeError> {
        self.ask_to_unpublish(id, target, context).await?;
        match self.is_mounted(target).await? {
            true => Err(still_mounted(id, target)),
            false => Ok(()),
        }
    }

    /// Has the driver take a volume away from a target.
    pub(super) async fn ask_to_unpublish(
        &self,
        id: &VolumeId,
        target: &Arc<Path>,
        context: &CallContext,
    ) -> Result<(), VolumeError> {
        let sockets = self.find_sockets(&id.driver).await?;
        self.record.set_state(target, MountState::Uncertain);
        at(points::UNPUBLISH_BEFORE);
        let request = requests::unpublish(&id.handle, target);
        let undone = csi_client::node_unpublish(&sockets.node, &request, context).await;
        undone.map_err(of_volume(id))?;
        at(points::UNPUBLISH_AFTER);
        Ok(())
    }

    /// Removes a target, unless something is still mounted there. Files in it are
    /// somebody's, and nobody's to remove.
    pub(super) async fn remove_target(
        &self,
        id: &VolumeId,
        target: &Arc<Path>,
    ) -> Result<(), VolumeError> {
        let mount_points = self.settings.mount_points.clone();
        let (id, record, path) = (id.clone(), self.record.clone(), target.clone());
        blocking(target, move || {
            let removed = unless_gone(mount_points.remove(&path));
            removed.map_err(|error| match error.kind() {
                io::ErrorKind::ResourceBusy => still_mounted(&id, &path),
                io::ErrorKind::DirectoryNotEmpty => VolumeError::NotEmpty {
                    target: path.to_path_buf(),
                },
                _ => VolumeError::io("remove", &path)(error),
            })?;
            Ok(record.end_ownership_now(&path)?)
        })
        .await?;
        at(points::UNPUBLISH_REMOVED);
        Ok(())
    }

    /// Takes a target out of the record; gives whether it was the volume's last.
    /// The last one's file is left to the release, which removes it: if we die
    /// before, it is undone once more.
    pub(super) async fn forget(&self, id: &VolumeId, target: &Path) -> Result<bool, VolumeError> {
        let Some(record) = self.record.find(id) else {
            return Ok(false);
        };
        let mut record = (*record).clone();
        record.take(target);
        if record.mounts.is_empty() {
            self.record.put_in_memory(record);
            return Ok(true);
        }
        at(points::UNRECORD_BEFORE);
        self.record.put(record).await?;
        at(points::UNRECORD_AFTER);
        Ok(false)
    }

    /// Takes it out of the record that a volume may be staged which is not.
    fn never_staged(&self, id: &VolumeId, begun: Begun) {
        if let Some(record) = self.record.find(id)
            && record.is_staged
            && !begun.staging
        {
            let mut record = (*record).clone();
            record.is_staged = false;
            self.record.put_in_memory(record);
        }
    }

    /// Undoes a mount that has failed for good, before that is answered. What cannot
    /// be undone stays recorded.
    pub(super) async fn undo(
        &self,
        prepared: &Prepared,
        begun: Begun,
        error: &VolumeError,
        context: &CallContext,
        guards: Guards,
    ) {
        let (target_guard, volume) = guards;
        let (id, target) = (&prepared.id, &prepared.mount.target);
        let undone = async {
            if begun.publishing {
                self.unpublish_to_the_end(id, target, context).await?;
            }
            self.record.end_ownership(target).await?;
            if self.forget(id, target).await? {
                self.never_staged(id, begun);
                self.release_or_keep(volume, context).await;
            }
            Ok::<(), VolumeError>(())
        };
        match undone.await {
            Ok(()) => tracing::warn!(
                request_id = %context.request_id, volume = %id.handle, target = %target.display(),
                %error, "the volume is not mounted"
            ),
            Err(undoing) => tracing::warn!(
                request_id = %context.request_id, volume = %id.handle, target = %target.display(),
                %error, %undoing, "half of a failed mount stays until kubelet asks again, or until \
                 the pod is gone"
            ),
        }
        self.changed();
        drop(target_guard);
    }
}
