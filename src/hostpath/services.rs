//! The services of CSI, as tonic has them, over the driver's calls.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::driver::Driver;
use super::error::Error;
use super::faults::When;
use super::rpc::Rpc;
use crate::csi::v1;
use crate::metrics::Calls;

/// A driver, to be served.
#[derive(Debug, Clone)]
pub(super) struct Services {
    driver: Arc<Driver>,
    calls: Calls,
}

impl Services {
    /// The services of a driver, whose calls are counted.
    pub(super) fn new(driver: Driver, calls: Calls) -> Self {
        Self {
            driver: Arc::new(driver),
            calls,
        }
    }

    /// Whether there are the controller's, and the node's.
    pub(super) fn has(&self) -> (bool, bool) {
        (self.driver.has_controller, self.driver.has_node)
    }

    /// Makes a call, on a thread that may block. Once begun it is done to its
    /// end, whether the caller still waits or not.
    async fn call<Q, A>(
        &self,
        rpc: Rpc,
        request: Request<Q>,
        work: fn(&Driver, Q) -> Result<A, Error>,
    ) -> Result<Response<A>, Status>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let timer = self.calls.rpc(rpc.name()).start();
        let driver = &self.driver;
        let answer = async {
            driver.faults.around(rpc, When::Before).await?;
            let answer = self.work(request.into_inner(), work).await?;
            driver.faults.around(rpc, When::After).await?;
            Ok::<_, Status>(answer)
        }
        .await;
        timer.finish(
            answer
                .as_ref()
                .map_or_else(Status::code, |_| tonic::Code::Ok),
        );
        match &answer {
            Ok(_) => tracing::debug!(rpc = rpc.name(), "done"),
            Err(status) => {
                tracing::info!(rpc = rpc.name(), code = ?status.code(), message = status.message(), "failed");
            }
        }
        answer.map(Response::new)
    }

    async fn work<Q, A>(
        &self,
        request: Q,
        work: fn(&Driver, Q) -> Result<A, Error>,
    ) -> Result<A, Status>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let driver = Arc::clone(&self.driver);
        let done = tokio::task::spawn_blocking(move || work(&driver, request)).await;
        Ok(done.map_err(|error| Status::internal(format!("the call was cut off: {error}")))??)
    }
}

/// Serves calls by the driver's methods of the same names.
macro_rules! serve {
    ($service:path { $($method:ident $rpc:ident($request:ident) -> $response:ident;)* }) => {
        #[tonic::async_trait]
        impl $service for Services {
            $(
                async fn $method(
                    &self,
                    request: Request<v1::$request>,
                ) -> Result<Response<v1::$response>, Status> {
                    self.call(Rpc::$rpc, request, Driver::$method).await
                }
            )*
        }
    };
}

serve!(v1::identity_server::Identity {
    get_plugin_info GetPluginInfo(GetPluginInfoRequest) -> GetPluginInfoResponse;
    get_plugin_capabilities GetPluginCapabilities(GetPluginCapabilitiesRequest) -> GetPluginCapabilitiesResponse;
    probe Probe(ProbeRequest) -> ProbeResponse;
});

serve!(v1::controller_server::Controller {
    create_volume CreateVolume(CreateVolumeRequest) -> CreateVolumeResponse;
    delete_volume DeleteVolume(DeleteVolumeRequest) -> DeleteVolumeResponse;
    controller_publish_volume ControllerPublishVolume(ControllerPublishVolumeRequest) -> ControllerPublishVolumeResponse;
    controller_unpublish_volume ControllerUnpublishVolume(ControllerUnpublishVolumeRequest) -> ControllerUnpublishVolumeResponse;
    validate_volume_capabilities ValidateVolumeCapabilities(ValidateVolumeCapabilitiesRequest) -> ValidateVolumeCapabilitiesResponse;
    list_volumes ListVolumes(ListVolumesRequest) -> ListVolumesResponse;
    get_capacity GetCapacity(GetCapacityRequest) -> GetCapacityResponse;
    controller_get_capabilities ControllerGetCapabilities(ControllerGetCapabilitiesRequest) -> ControllerGetCapabilitiesResponse;
    create_snapshot CreateSnapshot(CreateSnapshotRequest) -> CreateSnapshotResponse;
    delete_snapshot DeleteSnapshot(DeleteSnapshotRequest) -> DeleteSnapshotResponse;
    list_snapshots ListSnapshots(ListSnapshotsRequest) -> ListSnapshotsResponse;
    get_snapshot GetSnapshot(GetSnapshotRequest) -> GetSnapshotResponse;
    controller_expand_volume ControllerExpandVolume(ControllerExpandVolumeRequest) -> ControllerExpandVolumeResponse;
    controller_get_volume ControllerGetVolume(ControllerGetVolumeRequest) -> ControllerGetVolumeResponse;
    controller_modify_volume ControllerModifyVolume(ControllerModifyVolumeRequest) -> ControllerModifyVolumeResponse;
});

serve!(v1::group_controller_server::GroupController {
    group_controller_get_capabilities GroupControllerGetCapabilities(GroupControllerGetCapabilitiesRequest) -> GroupControllerGetCapabilitiesResponse;
    create_volume_group_snapshot CreateVolumeGroupSnapshot(CreateVolumeGroupSnapshotRequest) -> CreateVolumeGroupSnapshotResponse;
    delete_volume_group_snapshot DeleteVolumeGroupSnapshot(DeleteVolumeGroupSnapshotRequest) -> DeleteVolumeGroupSnapshotResponse;
    get_volume_group_snapshot GetVolumeGroupSnapshot(GetVolumeGroupSnapshotRequest) -> GetVolumeGroupSnapshotResponse;
});

serve!(v1::node_server::Node {
    node_stage_volume NodeStageVolume(NodeStageVolumeRequest) -> NodeStageVolumeResponse;
    node_unstage_volume NodeUnstageVolume(NodeUnstageVolumeRequest) -> NodeUnstageVolumeResponse;
    node_publish_volume NodePublishVolume(NodePublishVolumeRequest) -> NodePublishVolumeResponse;
    node_unpublish_volume NodeUnpublishVolume(NodeUnpublishVolumeRequest) -> NodeUnpublishVolumeResponse;
    node_get_volume_stats NodeGetVolumeStats(NodeGetVolumeStatsRequest) -> NodeGetVolumeStatsResponse;
    node_expand_volume NodeExpandVolume(NodeExpandVolumeRequest) -> NodeExpandVolumeResponse;
    node_get_capabilities NodeGetCapabilities(NodeGetCapabilitiesRequest) -> NodeGetCapabilitiesResponse;
    node_get_info NodeGetInfo(NodeGetInfoRequest) -> NodeGetInfoResponse;
});
