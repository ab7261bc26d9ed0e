//! One unary call.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use prost::Message;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::CsiError;
use super::redact::redact;
use crate::backend::Backend;
use crate::grpc::{self, Body};
use crate::request_id::{REQUEST_ID, RequestId};

/// The longest that a call may take, as kubelet has it (kubernetes v1.36
/// `pkg/volume/csi/csi_plugin.go`, `csiTimeout`).
pub const LONGEST_CALL: Duration = Duration::from_secs(120);

/// A driver is told that it has a little less time than its answer is waited for,
/// and that is a little less than our caller waits: whoever keeps to a deadline can
/// say so itself.
const MARGIN: Duration = Duration::from_millis(100);

/// The longest answer (bytes), as gRPC's clients have it.
const ANSWER_BYTES: usize = 4 << 20;

/// What a call belongs to.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// What it is called in all logs.
    pub request_id: RequestId,
    /// When whoever asked for it gives up.
    pub deadline: Instant,
}

impl CallContext {
    /// How long a call may take that is made now, and how long its answer is waited
    /// for.
    fn timeouts(&self) -> (Duration, Duration) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = left.min(LONGEST_CALL);
        if left > 10 * MARGIN {
            (left - 2 * MARGIN, left - MARGIN)
        } else {
            (left, left)
        }
    }
}

/// Makes a call. What the driver says of a failure has none of the `secrets` that
/// the request has, wherever it is shown.
pub(super) async fn call<Q: Message, A: Message + Default>(
    backend: &Backend,
    path: &'static str,
    request: &Q,
    secrets: &BTreeMap<String, String>,
    context: &CallContext,
) -> Result<A, CsiError> {
    let (timeout, patience) = context.timeouts();
    let late = || CsiError::Deadline {
        driver: backend.driver().unwrap_or_default(),
        rpc: rpc(path),
    };
    if timeout.is_zero() {
        return Err(late());
    }
    let started = Instant::now();
    let answered = async {
        let response = backend.call(head(path, request, context, timeout)?).await?;
        answer(backend, path, response).await
    };
    let answered = tokio::time::timeout(patience, answered).await;
    let answered = answered.unwrap_or_else(|_| Err(late()));
    let answered = answered.map_err(|error| redact(error, secrets));
    tracing::debug!(
        request_id = %context.request_id, rpc = rpc(path),
        driver = backend.driver().unwrap_or_default(),
        millis = started.elapsed().as_millis() as u64,
        error = answered.as_ref().err().map(tracing::field::display),
        "called the CSI driver"
    );
    answered
}

/// As `NodeStageVolume`.
fn rpc(path: &'static str) -> &'static str {
    path.rsplit('/').next().unwrap_or_default()
}

fn head<Q: Message>(
    path: &'static str,
    request: &Q,
    context: &CallContext,
    timeout: Duration,
) -> Result<Request<Body>, CsiError> {
    // Eight digits at most: two minutes in milliseconds have six.
    let timeout = format!("{}m", timeout.as_millis().max(1));
    Request::builder()
        .method(Method::POST)
        .uri(grpc::uri(&Uri::from_static(path)))
        .header(header::TE, "trailers")
        .header(
            header::CONTENT_TYPE,
            HeaderValue::from_static(grpc::CONTENT_TYPE),
        )
        .header("grpc-timeout", timeout)
        .header(REQUEST_ID, context.request_id.header_value())
        .body(Body::message(grpc::frame(&request.encode_to_vec())))
        .map_err(|error| CsiError::Answer {
            driver: String::new(),
            rpc: rpc(path),
            reason: error.to_string(),
        })
}

async fn answer<A: Message + Default>(
    backend: &Backend,
    path: &'static str,
    response: Response<Body>,
) -> Result<A, CsiError> {
    let driver = || backend.driver().unwrap_or_default();
    let unreadable = |reason: String| CsiError::Answer {
        driver: driver(),
        rpc: rpc(path),
        reason,
    };
    let (head, body) = response.into_parts();
    // Without a message the status stands in the headers.
    let early = Status::from_header_map(&head.headers);
    let (status, bytes) = match early {
        Some(status) => (Some(status), Bytes::new()),
        None => {
            let limited = http_body_util::Limited::new(body, ANSWER_BYTES);
            let collected = match limited.collect().await {
                Ok(collected) => collected,
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    return Err(unreadable(format!("it has more than {ANSWER_BYTES} bytes")));
                }
                Err(error) => return Err(backend.broken(error).into()),
            };
            let status = collected.trailers().and_then(Status::from_header_map);
            (status, collected.to_bytes())
        }
    };
    let Some(status) = status else {
        return Err(unreadable("it has no gRPC status".to_owned()));
    };
    if status.code() != Code::Ok {
        return Err(CsiError::Status {
            driver: driver(),
            rpc: rpc(path),
            code: status.code(),
            message: status.message().to_owned(),
        });
    }
    let message = grpc::Message::of(&bytes);
    let message = message.map_err(|error| unreadable(error.to_string()))?;
    if message.compressed {
        return Err(unreadable(
            "it is compressed, which was not asked for".to_owned(),
        ));
    }
    A::decode(message.bytes).map_err(|error| unreadable(error.to_string()))
}
