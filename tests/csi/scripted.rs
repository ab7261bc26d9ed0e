//! A backend that records what it is asked, to the byte, and answers as it is told.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use flex2csi::csi::v1::{GetPluginInfoResponse, NodeGetInfoResponse};
use flex2csi::grpc::{self, Body, BodyError};
use flex2csi::request_id::REQUEST_ID;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Either, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::UnixListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// A call as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub message: Bytes,
}

/// What it is answered with.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A message, with metadata before and behind it.
    Message {
        message: Bytes,
        headers: HeaderMap,
        trailers: HeaderMap,
    },
    /// A status and nothing else.
    Status(tonic::Status),
    /// Nothing, ever.
    Hang,
    /// Headers and these first bytes of a message, and then nothing, ever.
    Begun(Bytes),
    /// The stream's end with this reason.
    Reset(h2::Reason),
    /// A message after a while.
    Late(Duration, Bytes),
    /// A message as soon as this is cancelled.
    Once(CancellationToken, Bytes),
}

impl Reply {
    pub fn message(message: impl Into<Bytes>) -> Self {
        Self::Message {
            message: message.into(),
            headers: HeaderMap::new(),
            trailers: HeaderMap::new(),
        }
    }
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;

/// The backend; dropped, it is gone with all its connections.
pub struct Scripted {
    calls: Arc<Mutex<Vec<Call>>>,
    /// Held by each call that was not answered and not given up by its caller.
    open: Arc<()>,
    task: AbortHandle,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    /// Serves a socket as a driver of this name.
    pub fn serve(
        socket: &Path,
        driver: &str,
        script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        // It is there as soon as it can be connected to, and not before.
        let new = socket.with_extension("new");
        let listener = UnixListener::bind(&new).unwrap();
        std::fs::rename(&new, socket).unwrap();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let open = Arc::new(());
        let (script, driver): (Arc<Script>, Arc<str>) = (Arc::new(script), driver.into());
        let (recorded, counted) = (calls.clone(), Arc::downgrade(&open));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, driver) = (script.clone(), driver.clone());
                let (calls, open) = (recorded.clone(), counted.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let (script, driver) = (script.clone(), driver.clone());
                        answer(request, script, driver, calls.clone(), open.clone())
                    });
                    let _ = http2::Builder::new(TokioExecutor::new())
                        .max_pending_accept_reset_streams(10_000)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            calls,
            open,
            task: task.abort_handle(),
        }
    }

    /// The calls until now, but for what the endpoint asks for itself.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The last call.
    pub fn last(&self) -> Call {
        self.calls()
            .last()
            .cloned()
            .expect("the backend was not called")
    }

    /// How many calls it still holds.
    pub fn open(&self) -> usize {
        Arc::strong_count(&self.open) - 1
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
    driver: Arc<str>,
    calls: Arc<Mutex<Vec<Call>>>,
    open: Weak<()>,
) -> Result<Response<ReplyBody>, h2::Error> {
    let _open = open.upgrade();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let call = Call {
        path,
        headers: head.headers,
        message: body.slice(body.len().min(5)..),
    };
    let itself = match call.path.as_str() {
        "/csi.v1.Identity/GetPluginInfo" => Some(plugin_info(&driver)),
        "/csi.v1.Node/NodeGetInfo" => Some(node_info()),
        _ => None,
    };
    let reply = match itself {
        // Calls that are forwarded have an id.
        Some(itself) if !call.headers.contains_key(REQUEST_ID) => itself,
        itself => {
            calls.lock().unwrap().push(call.clone());
            match (itself, script(&call)) {
                (Some(itself), Reply::Message { .. }) => itself,
                (_, reply) => reply,
            }
        }
    };
    let (message, headers, mut trailers) = match reply {
        Reply::Status(status) => return Ok(grpc::refusal(&status).map(Either::Left)),
        Reply::Begun(bytes) => return Ok(with_headers(Either::Right(begun(bytes)))),
        Reply::Hang => std::future::pending().await,
        Reply::Late(time, message) => {
            tokio::time::sleep(time).await;
            (message, HeaderMap::new(), HeaderMap::new())
        }
        Reply::Once(token, message) => {
            token.cancelled().await;
            (message, HeaderMap::new(), HeaderMap::new())
        }
        Reply::Reset(reason) => return Err(reason.into()),
        Reply::Message {
            message,
            headers,
            trailers,
        } => (message, headers, trailers),
    };
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Body::with_trailers(grpc::frame(&message), Some(trailers));
    let mut response = with_headers(Either::Left(body));
    response.headers_mut().extend(headers);
    Ok(response)
}

/// One message, or one that never ends.
type ReplyBody = Either<Body, Begun>;

type Begun = UnsyncBoxBody<Bytes, BodyError>;

fn begun(bytes: Bytes) -> Begun {
    let first = tokio_stream::once(Ok(Frame::data(bytes)));
    StreamBody::new(first.chain(tokio_stream::pending())).boxed_unsync()
}

fn with_headers(body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(grpc::CONTENT_TYPE);
    response.headers_mut().insert("content-type", content_type);
    response
}

fn plugin_info(driver: &str) -> Reply {
    let info = GetPluginInfoResponse {
        name: driver.to_owned(),
        vendor_version: "1".to_owned(),
        ..Default::default()
    };
    Reply::message(info.encode_to_vec())
}

/// The id of the node that it says it is on.
pub const NODE_ID: &str = "projects/p/zones/z1/instances/n1";

fn node_info() -> Reply {
    let info = NodeGetInfoResponse {
        node_id: NODE_ID.to_owned(),
        ..Default::default()
    };
    Reply::message(info.encode_to_vec())
}
