//! Taking over what a process that is dead has left stopped.

use std::time::Duration;

use kube::Client;
use tokio::time::sleep;

use super::left::{list, say};
use super::stopped_workloads::{Held, StoppedWorkloads, now};
use super::tries::{StopError, Tries};
use super::workload::{AT, BY, FROM, Live};
use crate::api_request::RequestError;
use crate::drive::work::line;
use crate::fault_points;

/// Who says nothing for so long is dead. Only one's own clock counts.
const STALE: Duration = Duration::from_secs(15);

impl StoppedWorkloads {
    /// Those that a process which is dead has left stopped, as far as they can be found:
    /// what keeps them from that is said.
    pub async fn left_by_others(client: &Client, holder: &str) -> Self {
        let stopped = Self::new(client, holder);
        if let Err(error) = stopped.adopt().await {
            line(&format!(
                "warning: workloads that are stopped cannot be looked for: {error}"
            ));
        }
        stopped
    }

    /// Takes over those that a process which is dead has left stopped. Whoever still
    /// lives keeps theirs.
    ///
    /// # Errors
    /// They cannot be listed.
    async fn adopt(&self) -> Result<(), RequestError> {
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
