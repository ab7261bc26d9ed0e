//! Telling callers who may not call that they may not.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::Status;

use super::Connection;

/// How many connections are told at a time; more are closed unheard.
const AT_A_TIME: usize = 8;
/// How long one of them is kept.
const LONGEST: Duration = Duration::from_secs(5);
/// How many calls of one are answered at a time.
const CALLS: u32 = 8;
/// How many bytes of its calls are taken in.
const WINDOW: u32 = 16 << 10;
const HEADERS: u32 = 8 << 10;

/// Answers on connections whose callers may not call.
#[derive(Debug, Clone)]
pub(super) struct Denials {
    free: Arc<Semaphore>,
}

impl Denials {
    pub(super) fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// Answers every call on a connection with `PERMISSION_DENIED`, in a task of
    /// its own. With too many of them already, it closes the connection.
    pub(super) fn deny(&self, connection: Connection, reason: String) {
        let Ok(turn) = Arc::clone(&self.free).try_acquire_owned() else {
            return;
        };
        tokio::spawn(async move {
            // However it ends, the caller has been told, or would not listen.
            let _ = timeout(LONGEST, answer(connection, &reason)).await;
            drop(turn);
        });
    }
}

async fn answer(connection: Connection, reason: &str) -> hyper::Result<()> {
    let denied = Status::permission_denied(reason).into_http::<Empty<Bytes>>();
    http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(CALLS)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_header_list_size(HEADERS)
        .serve_connection(
            TokioIo::new(connection),
            service_fn(|_| std::future::ready(Ok::<_, Infallible>(denied.clone()))),
        )
        .await
}
