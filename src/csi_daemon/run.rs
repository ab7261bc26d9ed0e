//! Running a daemon.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backends::Backends;
use super::configured::Configured;
use super::endpoints::{self, Served};
use super::legacy_volumes::legacy_volumes;
use super::{CsiDaemonArgs, kubelet};
use crate::config::{Loaded, follow_log_level};
use crate::endpoint::serve;
use crate::exit::{Done, Usage};
use crate::metrics::Metrics;
use crate::operations::{Conditions, Operations, Server};
use crate::socket::Listener;
use crate::{daemon, log};

/// Which daemon it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// On every node: kubelet is its caller.
    Node,
    /// Once in a cluster: the sidecars are its callers.
    Controller,
}

/// Runs until it is told to end.
///
/// # Errors
/// The configuration is wrong, or a socket cannot be served.
pub fn run(role: Role, args: &CsiDaemonArgs) -> anyhow::Result<Done> {
    daemon::run(async |shutdown| {
        let single = &args.single;
        let (configured, log) = match &args.config {
            Some(file) => {
                let configured = Configured::read(file)?;
                let loaded = configured.subscribe().borrow().clone();
                let log = &loaded.config.log;
                (configured, log::install(log.format, &log.level)?)
            }
            None => {
                let log = log::install(single.log_format, &single.log_level)?;
                match Configured::of_flags(args, &shutdown).await? {
                    Some(configured) => (configured, log),
                    None => return Ok(Done::All),
                }
            }
        };
        serve_all(role, args, configured, log, shutdown).await
    })
}

async fn serve_all(
    role: Role,
    args: &CsiDaemonArgs,
    configured: Configured,
    log: log::Handle,
    shutdown: CancellationToken,
) -> anyhow::Result<Done> {
    let configs = configured.subscribe();
    let loaded: Arc<Loaded> = configs.borrow().clone();
    let (metrics, conditions, tasks) = (Metrics::new(), Conditions::default(), TaskTracker::new());
    let volumes = legacy_volumes(args, &loaded.config).await?;
    let mut backends = Backends::default();
    let served = endpoints::endpoints(role, &loaded, &mut backends, &volumes, &metrics);
    if served.is_empty() {
        let message = "no backend has an `endpoint`, so there is nothing to serve";
        return Err(Usage(message.into()).into());
    }
    // All sockets first: nothing is served of a configuration that cannot be.
    let mut listeners = Vec::new();
    for Served { backend, .. } in &served {
        if let Some(endpoint) = &backend.endpoint {
            listeners.push(Listener::bind(&endpoint.socket)?);
        }
    }
    let operations = match &loaded.config.operations {
        Some(listen) => Some(Server::bind(listen).await?),
        None => None,
    };
    backends.watch(&metrics, &conditions, &shutdown);
    for (served, listener) in served.iter().zip(listeners) {
        tracing::info!(
            endpoint = served.endpoint.name(), backend = served.endpoint.driver(),
            socket = %listener.path().display(), "serving"
        );
        tasks.spawn(serve(listener, served.endpoint.clone(), shutdown.clone()));
        if let (Role::Node, Some(endpoint)) = (role, &served.backend.endpoint)
            && endpoint.register
        {
            let node = served.upstreams.node.clone();
            let counted = (&metrics, &conditions);
            kubelet::register(
                endpoint,
                &loaded.config.kubelet,
                node,
                counted,
                (&tasks, &shutdown),
            )?;
        }
    }
    let all = served.into_iter().map(|served| served.endpoint).collect();
    tokio::spawn(endpoints::follow(configs.clone(), all));
    tokio::spawn(follow_log_level(configs, log.clone()));
    if let Configured::File(reloader) = configured {
        let hangups = daemon::hangups().context("cannot listen for SIGHUP")?;
        let condition = conditions.add("config");
        let reloads = metrics.reloads().clone();
        tokio::spawn(reloader.run(hangups, reloads, condition, shutdown.clone()));
    }
    if let Some(server) = operations {
        let operations = Operations {
            metrics,
            conditions,
            log,
        };
        tracing::info!(listen = %server.listens()?, "serving metrics and health");
        tasks.spawn(server.serve(operations, shutdown.clone()));
    }
    shutdown.cancelled().await;
    tasks.close();
    tasks.wait().await;
    Ok(Done::All)
}
