//! The calls.

use std::collections::BTreeMap;

use tonic::Code;

use super::call::{CallContext, call};
use super::{CsiError, NodeCapabilities};
use crate::backend::Backend;
use crate::csi::v1;
use v1::controller_service_capability::{Type, rpc};

/// Of a request that has none.
static NO_SECRETS: &BTreeMap<String, String> = &BTreeMap::new();

/// What a driver's node part can do; asked once for each connection.
///
/// # Errors
/// As all calls.
pub async fn node_capabilities(
    backend: &Backend,
    context: &CallContext,
) -> Result<NodeCapabilities, CsiError> {
    const PATH: &str = "/csi.v1.Node/NodeGetCapabilities";
    if let Some(known) = backend.node_capabilities() {
        return Ok(known);
    }
    let connection = backend.connections();
    let request = v1::NodeGetCapabilitiesRequest {};
    let answer = call(backend, PATH, &request, NO_SECRETS, context).await?;
    let capabilities = NodeCapabilities::of(&answer);
    // A connection made by the call itself is not known to be the one that answered.
    backend.learn_node_capabilities(connection, capabilities);
    Ok(capabilities)
}

/// Prepares a volume on this node.
///
/// # Errors
/// As all calls.
pub async fn node_stage(
    backend: &Backend,
    request: &v1::NodeStageVolumeRequest,
    context: &CallContext,
) -> Result<(), CsiError> {
    const PATH: &str = "/csi.v1.Node/NodeStageVolume";
    let answer = call(backend, PATH, request, &request.secrets, context).await;
    let v1::NodeStageVolumeResponse {} = answer?;
    Ok(())
}

/// Undoes that. One that is not staged is no error.
///
/// # Errors
/// As all calls.
pub async fn node_unstage(
    backend: &Backend,
    request: &v1::NodeUnstageVolumeRequest,
    context: &CallContext,
) -> Result<(), CsiError> {
    const PATH: &str = "/csi.v1.Node/NodeUnstageVolume";
    let answer = call(backend, PATH, request, NO_SECRETS, context).await;
    let done = answer.map(|v1::NodeUnstageVolumeResponse {}| ());
    unless_gone(done)
}

/// Makes a volume appear at a workload's path.
///
/// # Errors
/// As all calls.
pub async fn node_publish(
    backend: &Backend,
    request: &v1::NodePublishVolumeRequest,
    context: &CallContext,
) -> Result<(), CsiError> {
    const PATH: &str = "/csi.v1.Node/NodePublishVolume";
    let answer = call(backend, PATH, request, &request.secrets, context).await;
    let v1::NodePublishVolumeResponse {} = answer?;
    Ok(())
}

/// Undoes that. One that is not published is no error.
///
/// # Errors
/// As all calls.
pub async fn node_unpublish(
    backend: &Backend,
    request: &v1::NodeUnpublishVolumeRequest,
    context: &CallContext,
) -> Result<(), CsiError> {
    const PATH: &str = "/csi.v1.Node/NodeUnpublishVolume";
    let answer = call(backend, PATH, request, NO_SECRETS, context).await;
    let done = answer.map(|v1::NodeUnpublishVolumeResponse {}| ());
    unless_gone(done)
}

/// Grows what is on a volume to what the volume has.
///
/// # Errors
/// As all calls.
pub async fn node_expand(
    backend: &Backend,
    request: &v1::NodeExpandVolumeRequest,
    context: &CallContext,
) -> Result<v1::NodeExpandVolumeResponse, CsiError> {
    const PATH: &str = "/csi.v1.Node/NodeExpandVolume";
    call(backend, PATH, request, &request.secrets, context).await
}

/// Grows a volume.
///
/// # Errors
/// As all calls.
pub async fn controller_expand(
    backend: &Backend,
    request: &v1::ControllerExpandVolumeRequest,
    context: &CallContext,
) -> Result<v1::ControllerExpandVolumeResponse, CsiError> {
    const PATH: &str = "/csi.v1.Controller/ControllerExpandVolume";
    call(backend, PATH, request, &request.secrets, context).await
}

/// Whether a driver's controller grows volumes; `None` where there is no
/// controller behind the socket.
///
/// # Errors
/// As all calls.
pub async fn can_expand(
    backend: &Backend,
    context: &CallContext,
) -> Result<Option<bool>, CsiError> {
    const PATH: &str = "/csi.v1.Controller/ControllerGetCapabilities";
    let request = v1::ControllerGetCapabilitiesRequest {};
    let answer: Result<v1::ControllerGetCapabilitiesResponse, _> =
        call(backend, PATH, &request, NO_SECRETS, context).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.code() == Some(Code::Unimplemented) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut capabilities = answer.capabilities.iter();
    let expands = capabilities.any(|capability| match &capability.r#type {
        Some(Type::Rpc(rpc)) => rpc.r#type() == rpc::Type::ExpandVolume,
        None => false,
    });
    Ok(Some(expands))
}

/// What is to be undone and is not there is undone.
fn unless_gone(done: Result<(), CsiError>) -> Result<(), CsiError> {
    match done {
        Err(error) if error.code() == Some(Code::NotFound) => Ok(()),
        done => done,
    }
}
