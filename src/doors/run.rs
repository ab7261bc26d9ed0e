//! Running a daemon.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backends::Backends;
use super::configured::Configured;
use super::endpoints::{self, Served};
use super::flexvolume::FlexVolumeDoor;
use super::legacy_volumes::legacy_volumes;
use super::{DaemonArgs, kubelet};
use crate::config::{Loaded, Log, follow_log_level};
use crate::endpoint::serve;
use crate::exit::{Done, Usage};
use crate::metrics::Metrics;
use crate::operations::{Conditions, Listen, Operations, Server};
use crate::socket::Listener;
use crate::{daemon, log, release};

/// Which daemon it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// On every node: kubelet is its caller.
    Node,
    /// Once in a cluster: the sidecars are its callers.
    Controller,
}

/// What there is once in a daemon.
struct Process {
    metrics: Metrics,
    conditions: Conditions,
    log: log::Handle,
    /// What is waited for at the end.
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Runs until it is told to end.
///
/// # Errors
/// The configuration is wrong, or a socket cannot be served.
pub fn run(role: Role, args: &DaemonArgs) -> anyhow::Result<Done> {
    daemon::run(async |shutdown| {
        let single = &args.single;
        let read = args.config.as_deref().map(Configured::read).transpose()?;
        let (log, listen) = match &read {
            Some(configured) => {
                let loaded = configured.subscribe().borrow().clone();
                let Log { format, level } = &loaded.config.log;
                let log = log::install(*format, level)?;
                (log, loaded.config.operations.clone())
            }
            None => {
                let log = log::install(single.log_format, &single.log_level)?;
                (log, single.operations.clone())
            }
        };
        let process = Process {
            metrics: Metrics::new(),
            conditions: Conditions::default(),
            log,
            tasks: TaskTracker::new(),
            shutdown,
        };
        // First of all: what is waited for below is no reason to be restarted.
        let served = process.conditions.add("endpoints");
        if let Some(listen) = listen {
            process.serve_operations(&listen).await?;
        }
        let configured = match read {
            Some(configured) => Some(configured),
            None => Configured::of_flags(args, &served, &process.shutdown).await?,
        };
        if let Some(configured) = configured {
            process.serve_all(role, args, configured).await?;
            served.met();
            process.shutdown.cancelled().await;
        }
        process.tasks.close();
        process.tasks.wait().await;
        Ok(Done::All)
    })
}

impl Process {
    async fn serve_operations(&self, listen: &Listen) -> anyhow::Result<()> {
        let server = Server::bind(listen).await?;
        tracing::info!(listen = %server.listens()?, "serving metrics and health");
        let operations = Operations {
            metrics: self.metrics.clone(),
            conditions: self.conditions.clone(),
            log: self.log.clone(),
        };
        self.tasks
            .spawn(server.serve(operations, self.shutdown.clone()));
        Ok(())
    }

    async fn serve_all(
        &self,
        role: Role,
        args: &DaemonArgs,
        configured: Configured,
    ) -> anyhow::Result<()> {
        let Self {
            metrics,
            conditions,
            tasks,
            shutdown,
            log,
        } = self;
        let configs = configured.subscribe();
        let loaded: Arc<Loaded> = configs.borrow().clone();
        let volumes = legacy_volumes(args, &loaded.config).await?;
        let mut backends = Backends::default();
        let served = endpoints::endpoints(role, &loaded, &mut backends, &volumes, metrics);
        let flex_volume = match (role, &loaded.config.flex_volume) {
            (Role::Node, Some(flex_volume)) => {
                let watched = (metrics, conditions);
                Some(
                    FlexVolumeDoor::new(args, &configs, flex_volume, &mut backends, watched)
                        .await?,
                )
            }
            _ => None,
        };
        let releases = role == Role::Controller && loaded.config.flex_volume.is_some();
        if served.is_empty() && flex_volume.is_none() && !releases {
            return Err(Usage(nothing_to_serve(role).into()).into());
        }
        if releases {
            let Some(client) = args.cluster.client().await? else {
                let message = "what FlexVolumes of dead nodes hold is released through the API \
                               server: run in a pod of the cluster, or give --kubeconfig";
                return Err(Usage(message.into()).into());
            };
            let settings = release::Settings::new(args.namespace(&client), args.identity());
            tasks.spawn(release::run(client, settings, shutdown.clone()));
        }
        // All sockets first: nothing is served of a configuration that cannot be.
        let mut listeners = Vec::new();
        for Served { backend, .. } in &served {
            if let Some(endpoint) = &backend.endpoint {
                listeners.push(Listener::bind(&endpoint.socket)?);
            }
        }
        backends.watch(metrics, conditions, shutdown);
        for (served, listener) in served.iter().zip(listeners) {
            tracing::info!(
                endpoint = served.endpoint.name(), backend = served.endpoint.driver(),
                socket = %listener.path().display(), "serving"
            );
            tasks.spawn(serve(listener, served.endpoint.clone(), shutdown.clone()));
            if let (Role::Node, Some(endpoint)) = (role, &served.backend.endpoint)
                && endpoint.register
            {
                kubelet::register(
                    endpoint,
                    &loaded.config.kubelet,
                    served.upstreams.node.clone(),
                    (metrics, conditions),
                    (tasks, shutdown),
                )?;
            }
        }
        if let Some(door) = flex_volume {
            door.open(configs.clone(), (tasks, shutdown));
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
        Ok(())
    }
}

fn nothing_to_serve(role: Role) -> &'static str {
    match role {
        Role::Node => {
            "no backend has an `endpoint` and there is no `flexVolume`, so there is nothing to serve"
        }
        Role::Controller => {
            "no backend has an `endpoint` and there is no `flexVolume`, so there is nothing to do"
        }
    }
}
