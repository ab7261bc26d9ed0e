//! Workloads that are stopped: held while that is so, found again after a crash, and
//! put back whatever happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flex2csi_translators::plan::Workload;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{ListParams, Patch};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::tries::{StopError, Tries, parameters};
use super::workload::{AT, BY, FROM, KINDS, Kind, Live, by_hand, forget_by_hand, mark_of};
use crate::api_request::readiness::Doubt;
use crate::api_request::{RequestError, find, request};
use crate::drive::work::line;
use crate::fault_points;

/// How often one says that one lives.
const RENEW: Duration = Duration::from_secs(5);
/// Who says nothing for so long is dead. Only one's own clock counts.
const STALE: Duration = Duration::from_secs(15);
/// Between two looks at pods that are to become ready.
const LOOK: Duration = Duration::from_secs(1);

/// One that is stopped.
#[derive(Debug, Clone)]
struct Held {
    kind: Kind,
    workload: Workload,
    /// How many pods were ready; `None` if another process stopped it.
    ready: Option<i64>,
}

/// Those that this process has stopped.
pub struct Stopped {
    client: Client,
    mark: String,
    held: Arc<Mutex<Vec<Held>>>,
    renewing: JoinHandle<()>,
}

impl std::fmt::Debug for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stopped")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

impl Stopped {
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

    fn push(&self, held: Held) {
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

    /// Takes over those that a process which is dead has left stopped. Whoever still
    /// lives keeps theirs.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn adopt(&self) -> Result<(), RequestError> {
        let found = list(&self.client).await?;
        let (found, other): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(_, object)| Live(object).is_noted() || !Live(object).is_stopped());
        say(&other).iter().for_each(|text| line(text));
        if found.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = found
            .iter()
            .map(|(_, one)| Live(one).workload().full_name())
            .collect();
        line(&format!(
            "stopped for a restart that came to no end: {}; waiting {} s to be sure that nobody works on it",
            names.join(", "),
            STALE.as_secs()
        ));
        sleep(STALE).await;
        for (kind, before) in found {
            let workload = Live(&before).workload();
            let name = workload.full_name();
            let mut tries = Tries::new(&name);
            let taken = async {
                let Some(object) = tries.get(&self.client, kind, &workload).await? else {
                    return Ok(false);
                };
                let (live, before) = (Live(&object), Live(&before));
                let moved = [FROM, BY, AT]
                    .iter()
                    .any(|label| live.label(label) != before.label(label));
                if moved {
                    return Ok(false);
                }
                // Somebody has started it: it is not to be put back later, when it may be
                // meant to stand still.
                if !live.is_stopped() {
                    if let Some(patch) = live.back() {
                        tries.patch(&self.client, kind, &workload, &patch).await?;
                    }
                    return Ok(false);
                }
                fault_points::named("restart.adopt.before");
                let patch = live.hold(&self.mark, now());
                let done = tries.patch(&self.client, kind, &workload, &patch).await?;
                fault_points::named("restart.adopt.after");
                Ok(done.is_some())
            };
            match taken.await {
                Ok(true) => self.push(Held {
                    kind,
                    workload,
                    ready: None,
                }),
                Ok(false) => line(&format!("{name} is left to the process that has it")),
                Err(error) => {
                    let error: StopError = error;
                    line(&format!("warning: {error}"));
                }
            }
        }
        Ok(())
    }
}

/// All workloads that are stopped, by whomever. What may not be listed is left out.
///
/// # Errors
/// The API server does not answer.
pub async fn list(client: &Client) -> Result<Vec<(Kind, Value)>, RequestError> {
    let mut found = Vec::new();
    let mut doubt = Doubt::default();
    for kind in KINDS {
        let parameters = ListParams::default().labels(FROM);
        let api = kind.everywhere(client);
        let mut listed = request(api.list(&parameters)).await;
        if let Err(RequestError::Forbidden(message)) = &listed
            && doubt.may_pass(client, message).await
        {
            listed = request(api.list(&parameters)).await;
        }
        let listed = match listed {
            Ok(listed) => listed,
            Err(RequestError::Forbidden(_) | RequestError::NotFound) => continue,
            Err(error) => return Err(error),
        };
        for object in listed.items {
            let mut object = serde_json::to_value(object).unwrap_or_default();
            object["kind"] = kind.name.into();
            found.push((kind, object));
        }
    }
    Ok(found)
}

/// What to say of those that are stopped; empty where there are none.
pub fn say(stopped: &[(Kind, Value)]) -> Vec<String> {
    let lines = stopped.iter().map(|(_, object)| {
        let live = Live(object);
        let (workload, from) = (live.workload(), live.label(FROM));
        let name = workload.full_name();
        let forget = forget_by_hand(&workload);
        if !live.is_stopped() {
            return format!(
                "{name} was stopped for a restart, and runs again. If no `flex2csi rewrite --restart` runs \
                 any more, the next `flex2csi rewrite --yes` takes its labels off; by hand: {forget}"
            );
        }
        if !live.is_noted() {
            return format!(
                "{name} is stopped, and has only some of a restart's labels: nobody puts it back. If that \
                 is meant, take them off: {forget}"
            );
        }
        let by_hand = by_hand(&workload, from);
        format!(
            "{name} is stopped for a restart. If no `flex2csi rewrite --restart` runs any more, the next \
             `flex2csi rewrite --yes` puts it back; by hand: {by_hand}"
        )
    });
    lines.collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(replicas: u32, labels: Value) -> String {
        let object = json!({
            "kind": "StatefulSet",
            "metadata": {"namespace": "shop", "name": "db", "labels": labels},
            "spec": {"replicas": replicas},
        });
        let kind = Kind::of("StatefulSet").unwrap();
        say(&[(kind, object)]).remove(0)
    }

    #[test]
    fn what_is_said_of_it_is_what_becomes_of_it() {
        let all = json!({FROM: "3", BY: "me", AT: "5"});
        let forget = "kubectl -n shop label statefulset db";
        let stopped = said(0, all.clone());
        assert!(stopped.contains("--replicas=3 && kubectl"), "{stopped}");
        let runs = said(3, all);
        assert!(
            runs.contains("runs again") && runs.contains(forget),
            "{runs}"
        );
        assert!(!runs.contains("scale"), "{runs}");
        let half = said(0, json!({FROM: "3"}));
        assert!(
            half.contains("nobody puts it back") && half.contains(forget),
            "{half}"
        );
    }
}
