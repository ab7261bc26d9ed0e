//! Registering an endpoint with kubelet.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::config::{Endpoint, Kubelet};
use crate::metrics::Metrics;
use crate::operations::{Condition, Conditions};
use crate::registration::{DriverName, Registration, State};

/// How often a backend is looked at that kubelet would ask at once.
const EVERY: Duration = Duration::from_millis(200);

/// Registers an endpoint once its backend answers: kubelet asks for the node's id
/// at once, and takes a driver that does not answer for a broken one.
///
/// # Errors
/// The name or the registry cannot be used.
pub fn register(
    endpoint: &Endpoint,
    kubelet: &Kubelet,
    backend: Arc<Backend>,
    (metrics, conditions): (&Metrics, &Conditions),
    (tasks, shutdown): (&TaskTracker, &CancellationToken),
) -> anyhow::Result<()> {
    let driver: DriverName = endpoint.name.parse()?;
    let registered = metrics.registered(&endpoint.name);
    let condition = conditions.add(format!("kubelet has registered {driver}"));
    condition.not_met("its backend has not answered yet");
    let (registry, socket) = (kubelet.registry.clone(), endpoint.socket.clone());
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        let reached = async {
            while backend.connection().await.is_err() {
                tokio::time::sleep(EVERY).await;
            }
        };
        if shutdown.run_until_cancelled(reached).await.is_none() {
            return;
        }
        let served = async {
            let registration = Registration::bind(&registry, &driver, &socket)
                .with_context(|| format!("cannot register {driver}"))?;
            condition.not_met("kubelet has not answered yet");
            let mut state = registration.state();
            let follow = async {
                while state.changed().await.is_ok() {
                    let state = state.borrow_and_update().clone();
                    registered.set(state.is_registered());
                    said(&condition, &state);
                }
            };
            let serve = registration.serve(shutdown.cancelled());
            tokio::select! {
                served = serve => served.context("cannot serve kubelet"),
                () = follow => Ok(()),
            }
        };
        let served: anyhow::Result<()> = served.await;
        if let Err(error) = served {
            let error = format!("{error:#}");
            tracing::error!(%error, %driver, "not registered with kubelet; a restart tries again");
            condition.not_met(error);
        }
    });
    Ok(())
}

fn said(condition: &Condition, state: &State) {
    match state {
        State::Registered => condition.met(),
        State::Unknown => condition.not_met("kubelet has not answered yet"),
        State::Refused(reason) => condition.not_met(format!("kubelet refused: {reason}")),
    }
}
