//! What a probe is answered while the backend is not there.

use http::{HeaderValue, Response, header};
use tonic::Status;

use super::CallError;
use crate::backend::BackendError;
use crate::grpc::{self, Body};

const PROBE: &str = "/csi.v1.Identity/Probe";

/// `ProbeResponse { ready: BoolValue { value: false } }`: absent would be ready.
const NOT_READY: &[u8] = b"\x0a\x00";

/// The answer to a call that was not carried out, if it was a probe of a backend at whose
/// socket nobody listens: it is starting, or starting again (CSI 1.12, "Probe"). Sidecars
/// wait for a driver that is not ready, and end over any error but their deadline
/// (csi-lib-utils v0.24, rpc.ProbeForever).
///
/// # Errors
/// It was another call, or the backend has another trouble, which waiting does not end.
pub fn answer(path: &str, error: CallError, endpoint: &str) -> Result<Response<Body>, CallError> {
    let CallError::Backend(BackendError::Unreachable { source, .. }) = &error else {
        return Err(error);
    };
    let is_absent = matches!(
        source.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
    );
    if path != PROBE || !is_absent {
        return Err(error);
    }
    tracing::info!(endpoint, reason = %error, "probed, and not ready");
    let ok = grpc::trailers(&Status::ok(""));
    let body = Body::with_trailers(grpc::frame(NOT_READY), Some(ok));
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(grpc::CONTENT_TYPE);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}
