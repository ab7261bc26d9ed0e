//! Workloads that this process has stopped: held while that is so, and put back whatever
//! happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flex2csi_translators::plan::Workload;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::Patch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::tries::{StopError, Tries, parameters};
use super::workload::{BY, FROM, Kind, Live, mark_of};
use crate::api_request::{RequestError, find, request};
use crate::drive::work::line;
use crate::fault_points;

/// How often one says that one lives.
const RENEW: Duration = Duration::from_secs(5);
/// Between two looks at pods that are to become ready.
const LOOK: Duration = Duration::from_secs(1);

/// One that is stopped.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) kind: Kind,
    pub(super) workload: Workload,
    /// How many pods were ready; `None` if another process stopped it.
    pub(super) ready: Option<i64>,
}

/// Those that this process has stopped.
pub struct StoppedWorkloads {
    pub(super) client: Client,
    pub(super) mark: String,
    held: Arc<Mutex<Vec<Held>>>,
    renewing: JoinHandle<()>,
}

impl std::fmt::Debug for StoppedWorkloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoppedWorkloads")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Drop for StoppedWorkloads {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

pub(super) fn now() -> i64 {
    Timestamp::now().as_second()
}

impl StoppedWorkloads {
    /// None yet.
    pub fn new(client: &Client, holder: &str) -> Self {
        let held: Arc<Mutex<Vec<Held>>> = Arc::default();
        let mark = mark_of(holder);
        let renewing = tokio::spawn(renew(client.clone(), mark.clone(), Arc::clone(&held)));
        Self {
            client: client.clone(),
            mark,
            held,
            renewing,
        }
    }

    fn all(&self) -> Vec<Held> {
        // Whole entries, whoever panicked.
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn push(&self, held: Held) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.workload.full_name() != held.workload.full_name());
        all.push(held);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Stops one. That and what is to be put back are one write.
    ///
    /// # Errors
    /// It is as it was.
    pub async fn stop(&self, workload: &Workload) -> Result<(), StopError> {
        let name = workload.full_name();
        let Some(kind) = Kind::of(&workload.kind) else {
            let why = "how it is stopped is not known".to_owned();
            return Err(StopError::Forbidden(name, why));
        };
        let mut tries = Tries::new(&name);
        loop {
            let Some(object) = tries.get(&self.client, kind, workload).await? else {
                return Err(StopError::Gone(name));
            };
            let live = Live(&object);
            if live.uid() != workload.uid {
                return Err(StopError::Gone(name));
            }
            if let Some(why) = live.forbids() {
                return Err(StopError::Forbidden(name, why.to_owned()));
            }
            if !live.label(FROM).is_empty() && live.label(BY) != self.mark {
                return Err(StopError::Elsewhere(name));
            }
            // Somebody else has stopped it, or a write of ours did whose answer was lost.
            let Some(patch) = live.stop(&self.mark, now()) else {
                return Ok(());
            };
            // Before: one that is stopped has to be put back, whatever is heard of that.
            self.push(Held {
                kind,
                workload: workload.clone(),
                ready: Some(live.ready()),
            });
            fault_points::named("restart.stop.before");
            let done = tries.patch(&self.client, kind, workload, &patch).await?;
            fault_points::named("restart.stop.after");
            if done.is_some() {
                return Ok(());
            }
        }
    }

    /// Whether all still are stopped, by us.
    ///
    /// # Errors
    /// One is not.
    pub async fn confirm(&self) -> Result<(), StopError> {
        for Held { kind, workload, .. } in self.all() {
            let name = workload.full_name();
            let mut tries = Tries::new(&name);
            let Some(object) = tries.get(&self.client, kind, &workload).await? else {
                return Err(StopError::Gone(name));
            };
            let live = Live(&object);
            if live.label(BY) != self.mark {
                return Err(StopError::Elsewhere(name));
            }
            if !live.is_stopped() {
                return Err(StopError::Started(name));
            }
        }
        Ok(())
    }

    /// Puts all back. One that cannot be is named, with what to do; how many those are.
    pub async fn put_back(&self) -> usize {
        let mut failed = 0;
        for held in self.all() {
            if let Err(error) = self.put_one_back(&held).await {
                failed += 1;
                line(&format!("failed: {error}"));
                line(&format!(
                    "{} is still stopped: what it was is in its label {FROM}; the next `flex2csi rewrite --yes` \
                     puts it back. `flex2csi status` tells how `kubectl` does",
                    held.workload.full_name()
                ));
            }
        }
        failed
    }

    async fn put_one_back(&self, held: &Held) -> Result<(), StopError> {
        let (kind, workload) = (held.kind, &held.workload);
        let name = workload.full_name();
        let mut tries = Tries::new(&name);
        loop {
            // One that somebody deleted needs nothing any more.
            let Some(object) = tries.get(&self.client, kind, workload).await? else {
                return Ok(());
            };
            let live = Live(&object);
            if live.label(BY) != self.mark {
                return Ok(());
            }
            let Some(patch) = live.back() else {
                return Ok(());
            };
            fault_points::named("restart.back.before");
            let done = tries.patch(&self.client, kind, workload, &patch).await?;
            fault_points::named("restart.back.after");
            if done.is_some() {
                return Ok(());
            }
        }
    }

    /// Waits until those that were put back are as ready as they were; which one is not
    /// in time.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn are_ready(&self, longest: Duration) -> Result<Option<String>, StopError> {
        let until = Instant::now() + longest;
        for Held {
            kind,
            workload,
            ready,
        } in self.all()
        {
            let Some(wanted) = ready else { continue };
            let name = workload.full_name();
            let mut tries = Tries::new(&name);
            loop {
                let Some(object) = tries.get(&self.client, kind, &workload).await? else {
                    break;
                };
                let live = Live(&object);
                // Somebody may want fewer now, or none.
                if live.is_stopped() || (live.is_observed() && live.ready() >= wanted) {
                    break;
                }
                if Instant::now() >= until {
                    return Ok(Some(format!(
                        "{} of {wanted} pods of {name} are ready again",
                        live.ready()
                    )));
                }
                sleep(LOOK).await;
            }
        }
        Ok(None)
    }

    /// Whether a pod of one of them would use a claim.
    pub async fn use_claim(&self, namespace: &str, claim: &str) -> bool {
        for held in self.all() {
            if held.workload.namespace != namespace {
                continue;
            }
            let name = held.workload.full_name();
            let mut tries = Tries::new(&name);
            let got = tries.get(&self.client, held.kind, &held.workload).await;
            if let Ok(Some(object)) = got
                && Live(&object).names(claim)
            {
                return true;
            }
        }
        false
    }
}

/// Says again and again that those that are stopped are somebody's.
async fn renew(client: Client, mark: String, held: Arc<Mutex<Vec<Held>>>) {
    loop {
        sleep(RENEW).await;
        let all = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for Held { kind, workload, .. } in all {
            let api = kind.of_namespace(&client, &workload.namespace);
            let renewed = async {
                let Some(object) = find(api.get(&workload.name)).await? else {
                    return Ok(());
                };
                let object = serde_json::to_value(object).unwrap_or_default();
                if Live(&object).label(BY) == mark {
                    let patch = Patch::Merge(Live(&object).hold(&mark, now()));
                    request(api.patch(&workload.name, &parameters(), &patch)).await?;
                }
                Ok::<(), RequestError>(())
            };
            if let Err(error) = renewed.await {
                tracing::debug!(%error, workload = workload.full_name(), "not renewed");
            }
        }
    }
}
