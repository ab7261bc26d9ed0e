//! gRPC over HTTP/2 as far as it is handled without a codec: bodies, frames,
//! statuses and deadlines.

mod body;
mod frame;
mod repeatable;
mod status;
mod timeout;

use http::Uri;
use http::uri::{Authority, Scheme};

pub use body::{Body, BodyError};
pub use frame::{FrameError, Message, frame};
pub use repeatable::{Attempt, Repeatable};
pub use status::{refusal, status_of, trailers};
pub use timeout::timeout_of;

/// The content type of every call and answer.
pub const CONTENT_TYPE: &str = "application/grpc";

/// The URI of a call on a Unix socket, which has no name of its own.
pub fn uri(path: &Uri) -> Uri {
    let mut parts = path.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::from_static("localhost"));
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    }
    // All three are there.
    Uri::from_parts(parts).unwrap_or_default()
}
