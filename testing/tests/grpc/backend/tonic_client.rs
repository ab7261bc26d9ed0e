//! A tonic client that leaves messages as the bytes that they are.

use std::path::Path;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

#[derive(Clone)]
pub(super) struct TonicClient(Channel);

/// All that came back.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) code: Code,
    pub(super) message: String,
    details: Bytes,
    metadata: Vec<(String, Vec<u8>)>,
    pub(super) messages: Vec<Bytes>,
}

impl Answer {
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        let mut values = self.metadata.iter().filter(|(it, _)| it == key);
        std::str::from_utf8(&values.next()?.1).ok()
    }

    fn of(status: &Status) -> Self {
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            details: Bytes::copy_from_slice(status.details()),
            metadata: sorted(status.metadata()),
            messages: Vec::new(),
        }
    }
}

fn sorted(metadata: &MetadataMap) -> Vec<(String, Vec<u8>)> {
    let headers = metadata.clone().into_headers();
    let pairs = headers.iter();
    let mut pairs: Vec<_> = pairs
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    pairs.sort();
    pairs
}

impl TonicClient {
    pub(super) async fn connect(socket: &Path) -> Self {
        let uri = format!("unix:{}", socket.display());
        let endpoint = Endpoint::from_shared(uri).unwrap();
        Self(endpoint.connect().await.unwrap())
    }

    async fn grpc(&self) -> Grpc<Channel> {
        let mut grpc = Grpc::new(self.0.clone()).max_decoding_message_size(usize::MAX);
        grpc.ready().await.unwrap();
        grpc
    }

    /// Makes a unary call.
    pub(super) async fn call(&self, method: &str, message: &[u8], script: &Value) -> Answer {
        let path = PathAndQuery::try_from(method).unwrap();
        let request = request(message, script);
        match self.grpc().await.unary(request, path, Raw).await {
            Err(status) => Answer::of(&status),
            Ok(response) => Answer {
                metadata: sorted(response.metadata()),
                messages: vec![response.into_inner()],
                ..Answer::of(&Status::ok(""))
            },
        }
    }

    /// Makes a call with a stream of responses.
    pub(super) async fn stream(
        &self,
        method: &str,
        message: &[u8],
        script: &Value,
    ) -> Result<Streaming<Bytes>, Status> {
        let path = PathAndQuery::try_from(method).unwrap();
        let request = request(message, script);
        let response = self.grpc().await.server_streaming(request, path, Raw).await;
        response.map(tonic::Response::into_inner)
    }
}

fn request(message: &[u8], script: &Value) -> Request<Bytes> {
    let mut request = Request::new(Bytes::copy_from_slice(message));
    let metadata = request.metadata_mut();
    metadata.insert("x-script", script.to_string().parse().unwrap());
    request
}

#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
