//! Mounting a volume for a pod.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::act::Act;
use super::{CallContext, Inner, VolumeError, Volumes};
use crate::flexvolume::{Options, PodTarget};
use crate::node_record::MountState;

/// A call of kubelet's to mount a volume.
#[derive(Debug, Clone)]
pub struct MountCall {
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// Where.
    pub target: PodTarget,
    /// What kubelet says of the volume.
    pub options: Options,
}

impl Volumes {
    /// Mounts a volume for a pod. It can be called again, and is then done again or
    /// was done before.
    ///
    /// # Errors
    /// It is not mounted. What was begun is undone, or recorded and undone when the
    /// pod is gone.
    pub async fn mount(&self, call: MountCall, context: CallContext) -> Result<(), VolumeError> {
        let inner = &self.inner;
        let path: Arc<Path> = call.target.path.as_path().into();
        let target = Arc::new(inner.lock_target(&path, context.deadline).await?);
        let entry = inner.record.at(&path);
        let is_mounted = inner.is_mounted(&path).await?;
        match &entry {
            Some(entry) if entry.state == MountState::Published && is_mounted => return Ok(()),
            None if is_mounted => {
                return Err(VolumeError::Foreign {
                    target: call.target.path,
                });
            }
            _ => {}
        }
        // Nothing has happened yet: it ends with its caller.
        let prepared = inner.prepare(&call, path.clone(), &context);
        let prepared = timeout_at(context.deadline, prepared).await;
        let prepared = prepared.map_err(|_| VolumeError::Late { what: "the mount" })??;
        if let Some(entry) = entry.filter(|entry| *entry.volume != prepared.id) {
            // It was another volume when it was last tried, as with other values.
            let other = inner.lock_volume(&entry.volume, context.deadline).await?;
            let context = inner.longest(&context);
            let undone = inner
                .clone()
                .unmount(path, context, (target.clone(), other));
            ended("the mount", inner.acts.spawn(undone)).await?;
        }
        let volume = inner.lock_volume(&prepared.id, context.deadline).await?;
        let here = Arc::new(());
        let act = Act {
            inner: inner.clone(),
            prepared,
            context,
            guards: (target, volume),
            caller: Arc::downgrade(&here),
        };
        // Its calls end in time. What comes after them is not cut off: kubelet would take
        // a mount for done that is taken away yet, or whose files are not the group's.
        let done = ended("the mount", inner.acts.spawn(act.run())).await;
        drop(here);
        done
    }
}

/// Waits for a task to its end. It goes on if nobody waits any more.
async fn ended<T>(
    what: &'static str,
    task: JoinHandle<Result<T, VolumeError>>,
) -> Result<T, VolumeError> {
    task.await.unwrap_or_else(|broken| {
        Err(VolumeError::BrokeOff {
            what,
            reason: broken.to_string(),
        })
    })
}

/// Waits for a task as long as its caller does. The task goes on.
pub(super) async fn within<T>(
    deadline: Instant,
    what: &'static str,
    task: JoinHandle<Result<T, VolumeError>>,
) -> Result<T, VolumeError> {
    match timeout_at(deadline, ended(what, task)).await {
        Ok(done) => done,
        Err(_) => Err(VolumeError::Late { what }),
    }
}

impl Inner {
    /// Whether something is mounted on a path.
    pub(super) async fn is_mounted(&self, path: &Arc<Path>) -> Result<bool, VolumeError> {
        let table = Path::new("/proc/self/mountinfo");
        let looked = self.looks.is_mounted(path).await;
        looked.map_err(VolumeError::io("read", table))
    }
}
