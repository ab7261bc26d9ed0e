//! Undoing what kubelet has given up: it never unmounts what it failed to mount,
//! once the pod is gone.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::act::is_there;
use super::{Inner, VolumeError, Volumes, is_taken};
use crate::cluster::VolumeId;
use crate::node_record::VolumeRecord;

/// How often it is looked for what is to be undone.
pub const EVERY: Duration = Duration::from_secs(60);

/// How soon it is tried again what could not be undone: a driver that is busy with a
/// volume, as with a call whose caller is gone, refuses others. The next time is after
/// twice as long.
const AGAIN: Duration = Duration::from_secs(1);

/// How much is undone at a time.
const AT_ONCE: usize = 8;

/// What was undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Mounts of pods that are gone.
    pub unmounted: usize,
    /// Volumes that were released.
    pub released: usize,
    /// What could not be undone, and is tried again.
    pub left: usize,
}

/// What became of one thing.
enum Done {
    Unmounted,
    Released,
    Left,
    Nothing,
}

impl Volumes {
    /// Undoes the mounts of pods whose directory is gone, and what kubelet has nothing of
    /// any more but through CSI; releases what nobody has, and begins to finish what was
    /// not seen to its end.
    pub async fn collect(&self) -> Collected {
        let inner = &self.inner;
        if let Err(error) = inner.check_refused().await {
            tracing::warn!(%error, "records that are not trusted are not looked at");
        }
        inner.finish_ownership().await;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut work = JoinSet::new();
        let all = inner.record.all();
        let gone = inner.given_up(&all).await;
        for record in all {
            let id = record.volume.clone();
            if record.mounts.is_empty() {
                let (inner, turns) = (inner.clone(), turns.clone());
                work.spawn(async move {
                    let _turn = turns.acquire().await;
                    inner.collect_volume(&id).await
                });
                continue;
            }
            for mount in &record.mounts {
                if !gone.contains(&mount.target) {
                    continue;
                }
                let (inner, turns) = (inner.clone(), turns.clone());
                let (id, target) = (id.clone(), mount.target.clone());
                work.spawn(async move {
                    let _turn = turns.acquire().await;
                    inner.collect_mount(&id, target).await
                });
            }
        }
        let mut collected = Collected::default();
        while let Some(done) = work.join_next().await {
            match done {
                Ok(Done::Unmounted) => collected.unmounted += 1,
                Ok(Done::Released) => collected.released += 1,
                Ok(Done::Left) | Err(_) => collected.left += 1,
                Ok(Done::Nothing) => {}
            }
        }
        collected
    }

    /// Collects at once and every minute, sooner where something was left, until
    /// `shutdown`.
    pub async fn keep_collecting(&self, shutdown: CancellationToken) {
        let collect = async {
            let mut again = AGAIN;
            loop {
                let collected = self.collect().await;
                if collected != Collected::default() {
                    let Collected {
                        unmounted,
                        released,
                        left,
                    } = collected;
                    tracing::info!(unmounted, released, left, "collected what kubelet gave up");
                }
                let pause = match collected.left {
                    0 => EVERY,
                    _ => again.min(EVERY),
                };
                again = match collected.left {
                    0 => AGAIN,
                    _ => pause * 2,
                };
                tokio::time::sleep(pause).await;
            }
        };
        shutdown.run_until_cancelled(collect).await;
    }
}

impl Inner {
    /// The targets in some records for which kubelet will not call any more: of a pod
    /// whose directory is gone; or of one for which kubelet has the volume through CSI,
    /// where the target itself is gone: a daemon died after it had removed it.
    async fn given_up(&self, records: &[Arc<VolumeRecord>]) -> BTreeSet<Arc<Path>> {
        let root = self.settings.root.clone();
        let records = records.to_vec();
        let looked = tokio::task::spawn_blocking(move || {
            let pods = root.join("pods");
            let mounts = records.iter().flat_map(|record| {
                let mounts = record.mounts.iter();
                mounts.map(|mount| (&*record.volume, mount))
            });
            let given_up = mounts.filter(|(id, mount)| {
                !is_there(&pods.join(&mount.pod.uid))
                    || !is_there(&mount.target)
                        && is_taken(&root, &mount.pod.uid, id).unwrap_or(false)
            });
            given_up.map(|(_, mount)| mount.target.clone()).collect()
        });
        // None is gone that was not looked for.
        looked.await.unwrap_or_default()
    }

    async fn collect_mount(self: Arc<Self>, id: &VolumeId, target: Arc<Path>) -> Done {
        let context = self.own_context();
        let undone = async {
            let guard = Arc::new(self.lock_target(&target, context.deadline).await?);
            let volume = self.lock_volume(id, context.deadline).await?;
            // It may have been unmounted, or be another volume's, by now.
            let entry = self.record.at(&target);
            if entry.is_none_or(|entry| *entry.volume != *id) {
                return Ok(Done::Nothing);
            }
            let undo = self
                .clone()
                .unmount(target.clone(), context.clone(), (guard, volume));
            // In a task of its own: whoever collects may be ended.
            let undone = self.acts.spawn(undo).await;
            undone.unwrap_or_else(|broken| {
                Err(VolumeError::BrokeOff {
                    what: "the unmount",
                    reason: broken.to_string(),
                })
            })?;
            Ok::<Done, VolumeError>(Done::Unmounted)
        };
        undone.await.unwrap_or_else(|error| {
            tracing::warn!(
                request_id = %context.request_id, volume = %id.handle, target = %target.display(),
                %error, "what a pod that is gone has left is not undone yet"
            );
            Done::Left
        })
    }

    async fn collect_volume(self: Arc<Self>, id: &VolumeId) -> Done {
        let context = self.own_context();
        let Ok(volume) = self.lock_volume(id, context.deadline).await else {
            return Done::Left;
        };
        if self
            .record
            .find(id)
            .is_none_or(|record| !record.mounts.is_empty())
        {
            return Done::Nothing;
        }
        let inner = self.clone();
        let released = self
            .acts
            .spawn(async move { inner.release_or_keep(volume, &context).await })
            .await;
        if released.unwrap_or(false) {
            Done::Released
        } else {
            Done::Left
        }
    }
}
