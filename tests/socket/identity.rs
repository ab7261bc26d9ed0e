//! A small CSI server to call, and a client of it.

use std::path::Path;

use flex2csi::csi::v1::identity_client::IdentityClient;
use flex2csi::csi::v1::identity_server::{Identity, IdentityServer};
use flex2csi::csi::v1::{
    GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse, GetPluginInfoRequest,
    GetPluginInfoResponse, ProbeRequest, ProbeResponse,
};
use flex2csi::socket::Listener;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

struct Named;

#[tonic::async_trait]
impl Identity for Named {
    async fn get_plugin_info(
        &self,
        _: Request<GetPluginInfoRequest>,
    ) -> Result<Response<GetPluginInfoResponse>, Status> {
        Ok(Response::new(GetPluginInfoResponse {
            name: "test.flex2csi.io".to_owned(),
            ..Default::default()
        }))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<GetPluginCapabilitiesRequest>,
    ) -> Result<Response<GetPluginCapabilitiesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn probe(&self, _: Request<ProbeRequest>) -> Result<Response<ProbeResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// Serves until the test ends.
pub(crate) fn serve(path: &Path) {
    let incoming = Listener::bind(path).unwrap().into_incoming();
    let server = Server::builder().add_service(IdentityServer::new(Named));
    tokio::spawn(server.serve_with_incoming(incoming));
}

pub(crate) async fn connect(path: &Path) -> IdentityClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("unix:{}", path.display())).unwrap();
    IdentityClient::new(endpoint.connect().await.unwrap())
}

/// The name that a client gets.
pub(crate) async fn name(client: &mut IdentityClient<Channel>) -> Result<String, Status> {
    let answer = client.get_plugin_info(GetPluginInfoRequest {}).await?;
    Ok(answer.into_inner().name)
}
