//! What a backend says of itself, asked once for each connection.

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use prost::Message as _;

use super::Connection;
use crate::csi::v1::{GetPluginInfoResponse, NodeGetInfoResponse};
use crate::grpc::{self, Body};

/// An answer to what we ask ourselves is short (bytes).
const ANSWER_BYTES: usize = 64 * 1024;

/// The RPC that tells the driver's name.
const PLUGIN_INFO: &str = "/csi.v1.Identity/GetPluginInfo";
/// The RPC that tells the driver's own id of this node.
const NODE_INFO: &str = "/csi.v1.Node/NodeGetInfo";

/// The driver's name.
pub async fn plugin_name(connection: &mut Connection) -> Result<String, String> {
    let response = connection.send(question(PLUGIN_INFO)?).await;
    let response = response.map_err(|(error, _)| error.to_string())?;
    let answer = said(PLUGIN_INFO, response).await?;
    let answer = GetPluginInfoResponse::decode(answer).map_err(|error| error.to_string())?;
    if answer.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    Ok(answer.name)
}

/// Asks for the driver's own id of this node.
pub fn node_question() -> Result<Request<Body>, String> {
    question(NODE_INFO)
}

/// The driver's own id of this node.
pub async fn node_id(response: Response<Body>) -> Result<String, String> {
    let answer = said(NODE_INFO, response).await?;
    let answer = NodeGetInfoResponse::decode(answer).map_err(|error| error.to_string())?;
    Ok(answer.node_id)
}

/// A call with an empty request.
fn question(path: &'static str) -> Result<Request<Body>, String> {
    Request::builder()
        .method(Method::POST)
        .uri(grpc::uri(&Uri::from_static(path)))
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, grpc::CONTENT_TYPE)
        .body(Body::message(grpc::frame(&[])))
        .map_err(|error| error.to_string())
}

/// The message of its answer.
async fn said(path: &str, response: Response<Body>) -> Result<Bytes, String> {
    let (head, body) = response.into_parts();
    let limited = http_body_util::Limited::new(body, ANSWER_BYTES);
    let collected = limited.collect().await.map_err(|error| error.to_string())?;
    let trailers = collected.trailers().unwrap_or(&head.headers);
    let status = grpc::status_of(trailers).or_else(|| grpc::status_of(&head.headers));
    match status {
        Some((0, _)) => {}
        Some((code, message)) => return Err(format!("{path} failed with code {code}: {message}")),
        None => return Err(format!("{path} answered without a gRPC status")),
    }
    let message = grpc::Message::of(&collected.to_bytes()).map_err(|error| error.to_string())?;
    Ok(message.bytes)
}
