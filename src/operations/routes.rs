//! What can be asked.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Conditions, log_level};
use crate::log;
use crate::metrics::{CONTENT_TYPE, Metrics};

/// The longest request body, in bytes.
const LONGEST_BODY: usize = 4 << 10;
/// How long an answer may take, with the time in which the body arrives.
const ANSWER: Duration = Duration::from_secs(10);

/// What the listener answers from.
#[derive(Debug, Clone)]
pub struct Operations {
    /// For `/metrics`.
    pub metrics: Metrics,
    /// For `/readyz`.
    pub conditions: Conditions,
    /// For `/log-level`.
    pub log: log::Handle,
}

pub(super) fn router(operations: Operations) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/log-level", get(log_level::get).put(log_level::put))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn(in_time))
        .with_state(operations)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn metrics(State(operations): State<Operations>) -> Response {
    match operations.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// As Kubernetes' own components answer: every condition when asked to, and
/// when one is not met.
async fn ready(State(operations): State<Operations>, uri: Uri) -> Response {
    let (ready, report) = operations.conditions.report();
    if !ready {
        let report = format!("{report}readyz check failed\n");
        return (StatusCode::SERVICE_UNAVAILABLE, report).into_response();
    }
    let query = uri.query().unwrap_or_default();
    let verbose = query
        .split('&')
        .any(|part| part == "verbose" || part.starts_with("verbose="));
    if verbose {
        format!("{report}readyz check passed\n").into_response()
    } else {
        "ok\n".into_response()
    }
}
