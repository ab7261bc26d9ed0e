//! A CSI driver that answers at once: what remains of a call is its way.

use std::path::Path;

use flex2csi::csi::v1::identity_server::{Identity, IdentityServer};
use flex2csi::csi::v1::node_server::{Node, NodeServer};
use flex2csi::csi::v1::*;
use flex2csi_translators::endpoint::OWN_ATTRIBUTES;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// The driver's name; what it has are EBS volumes.
pub const NAME: &str = "ebs.csi.aws.com";

/// Serves a socket until it is killed.
pub async fn serve(socket: &Path) -> anyhow::Result<()> {
    let listener = UnixListener::bind(socket)?;
    Server::builder()
        .add_service(IdentityServer::new(Driver))
        .add_service(NodeServer::new(Driver))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await?;
    Ok(())
}

struct Driver;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Identity for Driver {
    async fn get_plugin_info(
        &self,
        _: Request<GetPluginInfoRequest>,
    ) -> Answer<GetPluginInfoResponse> {
        Ok(Response::new(GetPluginInfoResponse {
            name: NAME.to_owned(),
            vendor_version: "1".to_owned(),
            ..Default::default()
        }))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<GetPluginCapabilitiesRequest>,
    ) -> Answer<GetPluginCapabilitiesResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn probe(&self, _: Request<ProbeRequest>) -> Answer<ProbeResponse> {
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl Node for Driver {
    async fn node_stage_volume(
        &self,
        _: Request<NodeStageVolumeRequest>,
    ) -> Answer<NodeStageVolumeResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn node_unstage_volume(
        &self,
        _: Request<NodeUnstageVolumeRequest>,
    ) -> Answer<NodeUnstageVolumeResponse> {
        Ok(Response::new(Default::default()))
    }

    /// A volume that is only to be read is refused in legacy form, so that it can
    /// be seen whether an endpoint translates. All others are not looked at.
    async fn node_publish_volume(
        &self,
        request: Request<NodePublishVolumeRequest>,
    ) -> Answer<NodePublishVolumeResponse> {
        let NodePublishVolumeRequest {
            readonly,
            volume_context,
            ..
        } = request.get_ref();
        let mut keys = volume_context.keys();
        if *readonly && keys.any(|key| key.starts_with(OWN_ATTRIBUTES)) {
            return Err(Status::invalid_argument("a volume in legacy form"));
        }
        Ok(Response::new(Default::default()))
    }

    async fn node_unpublish_volume(
        &self,
        _: Request<NodeUnpublishVolumeRequest>,
    ) -> Answer<NodeUnpublishVolumeResponse> {
        Ok(Response::new(Default::default()))
    }

    /// An answer of as many bytes as the volume's id says.
    async fn node_get_volume_stats(
        &self,
        request: Request<NodeGetVolumeStatsRequest>,
    ) -> Answer<NodeGetVolumeStatsResponse> {
        let bytes = request.get_ref().volume_id.parse();
        let bytes = bytes.map_err(|_| Status::not_found("no such volume"))?;
        let condition = VolumeCondition {
            message: "x".repeat(bytes),
            ..Default::default()
        };
        Ok(Response::new(NodeGetVolumeStatsResponse {
            volume_condition: Some(condition),
            ..Default::default()
        }))
    }

    async fn node_expand_volume(
        &self,
        _: Request<NodeExpandVolumeRequest>,
    ) -> Answer<NodeExpandVolumeResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn node_get_capabilities(
        &self,
        _: Request<NodeGetCapabilitiesRequest>,
    ) -> Answer<NodeGetCapabilitiesResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn node_get_info(&self, _: Request<NodeGetInfoRequest>) -> Answer<NodeGetInfoResponse> {
        Ok(Response::new(NodeGetInfoResponse {
            node_id: "node-1".to_owned(),
            ..Default::default()
        }))
    }
}
