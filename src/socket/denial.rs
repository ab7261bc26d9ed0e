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

#[cfg(test)]
mod tests {
    use hyper::client::conn::http2::{SendRequest, handshake};
    use hyper::{Request, Response};
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    use super::*;

    /// The other end of a connection that is denied.
    fn denied(denials: &Denials) -> UnixStream {
        let (near, far) = UnixStream::pair().unwrap();
        denials.deny(Connection::new(far).unwrap(), "user 7 may not".to_owned());
        near
    }

    async fn client(stream: UnixStream) -> SendRequest<Empty<Bytes>> {
        let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    async fn call(client: &mut SendRequest<Empty<Bytes>>) -> Response<hyper::body::Incoming> {
        let request = Request::post("http://localhost/csi.v1.Identity/Probe");
        let request = request.body(Empty::new()).unwrap();
        client.send_request(request).await.unwrap()
    }

    #[tokio::test]
    async fn every_call_is_told_why() {
        let mut client = client(denied(&Denials::new())).await;
        for _ in 0..20 {
            let answer = call(&mut client).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "application/grpc");
            assert_eq!(answer.headers()["grpc-status"], "7");
            assert_eq!(answer.headers()["grpc-message"], "user%207%20may%20not");
        }
    }

    #[tokio::test]
    async fn too_many_are_closed_unheard_until_others_go() {
        let denials = Denials::new();
        let mut told = Vec::new();
        for _ in 0..AT_A_TIME {
            told.push(client(denied(&denials)).await);
        }
        let mut unheard = denied(&denials);
        assert_eq!(unheard.read(&mut [0]).await.unwrap(), 0);

        drop(told);
        // Once the last of them is given up.
        let all = u32::try_from(AT_A_TIME).unwrap();
        drop(denials.free.acquire_many(all).await.unwrap());
        call(&mut client(denied(&denials)).await).await;
    }
}
