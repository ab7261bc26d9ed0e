//! Registering with kubelet, in place of a node-driver-registrar.

use std::future::Future;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::args::HostpathArgs;
use crate::registration::{Registration, State};

/// Puts the driver where kubelet looks for plugins, if that is asked for. To be
/// called when its own socket is there: kubelet calls that at once.
///
/// # Errors
/// The socket cannot be made.
pub(super) fn register(
    args: &HostpathArgs,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
    let registration = match &args.kubelet_registry {
        Some(registry) => {
            let driver = &args.driver_name;
            let registration = Registration::bind(registry, driver, &args.endpoint)
                .with_context(|| format!("cannot register {driver}"))?;
            Some(registration)
        }
        None => None,
    };
    Ok(async move {
        let Some(registration) = registration else {
            return Ok(());
        };
        let mut state = registration.state();
        let follow = async {
            while state.changed().await.is_ok() {
                let now = state.borrow_and_update().clone();
                match now {
                    State::Registered => tracing::info!("kubelet registered the driver"),
                    State::Refused(reason) => tracing::warn!(%reason, "kubelet refused the driver"),
                    State::Unknown => {}
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            served = registration.serve(stop.cancelled()) => served.context("cannot serve kubelet"),
            () = follow => Ok(()),
        }
    })
}
