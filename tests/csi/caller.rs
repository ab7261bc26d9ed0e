//! Calls over a socket, as bytes: nothing of them is lost in a codec.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flex2csi::backend::Connection;
use flex2csi::grpc::{self, Body};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use tonic::Code;

/// How a call ended.
#[derive(Debug)]
pub struct Answer {
    pub code: Code,
    pub said: String,
    pub message: Bytes,
    pub headers: HeaderMap,
    pub trailers: HeaderMap,
}

/// Calls over a connection of its own.
pub async fn call(socket: &Path, path: &str, body: Bytes, headers: HeaderMap) -> Answer {
    let mut connection = Connection::open(socket).await.unwrap();
    call_on(&mut connection, path, body, headers).await
}

pub async fn call_on(
    connection: &mut Connection,
    path: &str,
    body: Bytes,
    headers: HeaderMap,
) -> Answer {
    let mut request = Request::post(grpc::uri(&path.parse().unwrap()))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(Body::message(body))
        .unwrap();
    request.headers_mut().extend(headers);
    let answered = tokio::time::timeout(Duration::from_secs(60), connection.send(request));
    let response = answered
        .await
        .expect("the endpoint hangs")
        .map_err(|(error, _)| error);
    let (head, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = grpc::status_of(&trailers).or_else(|| grpc::status_of(&head.headers));
    let (code, said) = status.expect("an answer without a status");
    let (code, said) = (Code::from(code), said.to_owned());
    let bytes = body.to_bytes();
    Answer {
        code,
        said: percent_decoded(&said),
        message: bytes.slice(bytes.len().min(5)..),
        headers: head.headers,
        trailers,
    }
}

fn percent_decoded(text: &str) -> String {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", "2".parse().unwrap());
    headers.insert("grpc-message", text.parse().unwrap());
    tonic::Status::from_header_map(&headers)
        .unwrap()
        .message()
        .to_owned()
}
