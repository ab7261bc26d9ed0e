//! What can become of a call.

use http::{Response, StatusCode};
use kube::client::Body;
use serde_json::json;

/// What can become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It has no effect; 409, as if another write had come between.
    Conflict,
    /// It has no effect; 429 with `Retry-After: 1`.
    TooManyRequests,
    /// It has no effect; 500.
    InternalError,
    /// It has no effect; 503, as from an aggregator or a load balancer.
    Unavailable,
    /// It has no effect; the connection is reset.
    Reset,
    /// It takes effect; 500, as when etcd answers too late.
    InternalErrorAfter,
    /// It takes effect; the connection is reset before the answer.
    AnswerLost,
    /// It takes effect; no answer ever comes.
    Silence,
    /// It has no effect; 403, as when a right was taken away half-way.
    Forbidden,
    /// It has no effect; 400 from a webhook that says no.
    Denied,
}

impl Fault {
    /// Those that are over at once, and after which a call may be repeated.
    pub const BRIEF: [Self; 7] = [
        Self::Conflict,
        Self::TooManyRequests,
        Self::InternalError,
        Self::Unavailable,
        Self::Reset,
        Self::InternalErrorAfter,
        Self::AnswerLost,
    ];

    /// Whether the API server gets the call.
    pub(super) fn takes_effect(self) -> bool {
        matches!(
            self,
            Self::InternalErrorAfter | Self::AnswerLost | Self::Silence
        )
    }

    /// What the caller gets; none where it gets nothing.
    pub(super) fn answer(self) -> Option<Response<Body>> {
        let (code, reason, message) = match self {
            Self::Conflict => (409, "Conflict", "the object has been modified"),
            Self::TooManyRequests => (429, "TooManyRequests", "too many requests, wait"),
            Self::InternalError => (500, "InternalError", "the store has no leader"),
            Self::InternalErrorAfter => (500, "InternalError", "etcdserver: request timed out"),
            Self::Unavailable => (503, "ServiceUnavailable", "no server is available"),
            Self::Forbidden => (403, "Forbidden", "the user may not do this any more"),
            Self::Denied => (
                400,
                "BadRequest",
                "admission webhook \"no.example\" denied the request: no",
            ),
            Self::Reset | Self::AnswerLost | Self::Silence => return None,
        };
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        let mut answer = Response::builder()
            .status(StatusCode::from_u16(code).ok()?)
            .header("content-type", "application/json");
        if self == Self::TooManyRequests {
            status["details"] = json!({ "retryAfterSeconds": 1 });
            answer = answer.header("retry-after", "1");
        }
        answer
            .body(Body::from(status.to_string().into_bytes()))
            .ok()
    }
}
