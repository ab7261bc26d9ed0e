//! Sockets, and which services are on which.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Router;

use super::args::HostpathArgs;
use super::kubelet;
use super::services::Services;
use crate::csi::v1::controller_server::ControllerServer;
use crate::csi::v1::group_controller_server::GroupControllerServer;
use crate::csi::v1::identity_server::IdentityServer;
use crate::csi::v1::node_server::NodeServer;
use crate::socket::Listener;

/// Serves until it is told to end.
pub(super) async fn serve(
    services: Services,
    args: &HostpathArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (has_controller, has_node) = services.has();
    let Some(controller_endpoint) = &args.controller_endpoint else {
        let all = router(&services, has_controller, has_node);
        let serving = on(&args.endpoint, all, stop.clone().cancelled_owned())?;
        let registered = kubelet::register(args, stop.clone())?;
        let both = async { tokio::try_join!(serving, registered).map(drop) };
        return until(both, stop).await;
    };
    // Both sockets are there before either is served, and end together.
    let node = router(&services, false, has_node);
    let node = on(&args.endpoint, node, stop.clone().cancelled_owned())?;
    let controller = router(&services, has_controller, false);
    let controller = on(
        controller_endpoint,
        controller,
        stop.clone().cancelled_owned(),
    )?;
    let registered = kubelet::register(args, stop.clone())?;
    let all = async { tokio::try_join!(node, controller, registered).map(drop) };
    until(all, stop).await
}

/// How long calls have to end by themselves once all is to end.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until it ended, or was told to and had its time.
async fn until(
    serving: impl Future<Output = anyhow::Result<()>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let overdue = async {
        stop.cancelled().await;
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
