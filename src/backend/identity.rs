//! What a backend says of itself, asked once for each connection.

use http::{Method, Request, Uri, header};
use http_body_util::BodyExt;
use prost::Message as _;

use super::Connection;
use crate::csi::v1::{GetPluginInfoResponse, NodeGetInfoResponse};
use crate::grpc::{self, Body};

/// An answer to what we ask ourselves is short (bytes).
const ANSWER_BYTES: usize = 64 * 1024;

/// The driver's name.
pub async fn plugin_name(connection: &mut Connection) -> Result<String, String> {
    let answer = ask(connection, "/csi.v1.Identity/GetPluginInfo").await?;
    let answer = GetPluginInfoResponse::decode(answer).map_err(|error| error.to_string())?;
    if answer.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    Ok(answer.name)
}

/// The driver's own id of this node.
pub async fn node_id(connection: &mut Connection) -> Result<String, String> {
    let answer = ask(connection, "/csi.v1.Node/NodeGetInfo").await?;
    let answer = NodeGetInfoResponse::decode(answer).map_err(|error| error.to_string())?;
    Ok(answer.node_id)
}

/// Calls an RPC with an empty request.
async fn ask(connection: &mut Connection, path: &'static str) -> Result<bytes::Bytes, String> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(grpc::uri(&Uri::from_static(path)))
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, grpc::CONTENT_TYPE)
        .body(Body::message(grpc::frame(&[])))
        .map_err(|error| error.to_string())?;
    let response = connection.send(request).await;
    let response = response.map_err(|(error, _)| error.to_string())?;
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
