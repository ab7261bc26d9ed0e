//! Serving an endpoint on its socket.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Endpoint;
use crate::socket::{Connection, Listener};

/// Calls at once on one connection; more wait at the caller's.
const STREAMS: u32 = 1024;

/// Calls that their callers gave up before we saw them, on one connection at once.
/// Only root and our own user can call, so there is no flood to fear.
const EARLY_RESETS: usize = 4096;

/// The size of all metadata of a call (bytes).
const HEADERS_BYTES: u32 = 256 * 1024;

/// Large requests and answers are not to wait for the window (bytes).
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// How long calls in flight may go on when we are to end.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop`, then lets calls in flight end.
pub async fn serve(listener: Listener, endpoint: Arc<Endpoint>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok(stream) => {
                connections.spawn(connection(stream, endpoint.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::error!(
                    %error, endpoint = endpoint.name(),
                    "its socket takes no more connections; restart the daemon"
                );
                stop.cancelled().await;
                break;
            }
        }
    }
    // New callers are refused and call again, rather than wait for nobody. The
    // place is ours until the last call has ended.
    let _place = listener.place();
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            endpoint = endpoint.name(),
            "calls were still in flight at the end; their callers will call again"
        );
    }
}

async fn connection(stream: Connection, endpoint: Arc<Endpoint>, stop: CancellationToken) {
    let service = service_fn(|request| {
        let endpoint = endpoint.clone();
        async move { endpoint.call(request).await }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        // The answer has the headers that the backend gave it.
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(EARLY_RESETS)
        .max_header_list_size(HEADERS_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, endpoint = endpoint.name(), "a connection ended");
    }
}
