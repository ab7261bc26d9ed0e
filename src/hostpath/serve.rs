//! Sockets, and which services are on which.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tonic::transport::Server;
use tonic::transport::server::Router;

use super::driver::Driver;
use super::services::Services;
use crate::csi::v1::controller_server::ControllerServer;
use crate::csi::v1::group_controller_server::GroupControllerServer;
use crate::csi::v1::identity_server::IdentityServer;
use crate::csi::v1::node_server::NodeServer;
use crate::socket::Listener;

/// Serves until it is told to end.
pub(super) async fn serve(
    driver: Driver,
    endpoint: PathBuf,
    controller_endpoint: Option<PathBuf>,
) -> anyhow::Result<()> {
    let services = Services(Arc::new(driver));
    let (has_controller, has_node) = (services.0.has_controller, services.0.has_node);
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stopped(stop.clone());
    let Some(controller_endpoint) = controller_endpoint else {
        let all = router(&services, has_controller, has_node);
        let serving = on(&endpoint, all, stop.cancelled_owned())?;
        return until(serving, stopped).await;
    };
    // Both sockets are there before either is served, and end together.
    let node = on(
        &endpoint,
        router(&services, false, has_node),
        stop.clone().cancelled_owned(),
    )?;
    let controller = on(
        &controller_endpoint,
        router(&services, has_controller, false),
        stop.cancelled_owned(),
    )?;
    until(
        async { tokio::try_join!(node, controller).map(drop) },
        stopped,
    )
    .await
}

/// How long calls have to end by themselves once all is to end.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until it ended, or was told to and had its time.
async fn until(
    serving: impl Future<Output = anyhow::Result<()>>,
    stopped: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let overdue = async {
        stopped.await?;
        tokio::time::sleep(GRACE).await;
        tracing::warn!("calls are cut off that did not end");
        Ok(())
    };
    tokio::select! {
        served = serving => served,
        overdue = overdue => overdue,
    }
}

fn router(services: &Services, controller: bool, node: bool) -> Router {
    Server::builder()
        .add_service(IdentityServer::new(services.clone()))
        .add_optional_service(controller.then(|| ControllerServer::new(services.clone())))
        .add_optional_service(controller.then(|| GroupControllerServer::new(services.clone())))
        .add_optional_service(node.then(|| NodeServer::new(services.clone())))
}

fn on(
    socket: &Path,
    router: Router,
    stop: impl Future<Output = ()> + 'static,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + 'static> {
    let listener = Listener::bind(socket)?;
    tracing::info!(socket = %socket.display(), "serving");
    let socket = socket.to_owned();
    Ok(async move {
        router
            .serve_with_incoming_shutdown(listener.into_incoming(), stop)
            .await
            .with_context(|| format!("cannot serve {}", socket.display()))
    })
}

/// Waits for SIGTERM or SIGINT, and says to stop.
async fn stopped(stop: tokio_util::sync::CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending");
    stop.cancel();
    Ok(())
}
