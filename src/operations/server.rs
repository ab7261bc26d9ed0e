//! Serving, within bounds: whoever can reach the listener can take no more than
//! these from the daemon.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Listen, Operations, OperationsError, routes};
use crate::socket;

/// Connections at one time; more wait to be accepted.
const CONNECTIONS: usize = 32;
/// How long a connection may be idle, and a request's head may take to arrive.
const HEAD: Duration = Duration::from_secs(10);
/// The room for a request's head, in bytes.
const HEAD_BYTES: usize = 16 << 10;
/// How long a connection is used; whoever reads slower is cut off.
const CONNECTION: Duration = Duration::from_secs(10 * 60);
/// What a connection that has to end gets to finish its request.
const GRACE: Duration = Duration::from_secs(2);
/// The wait after a failed accept, as without file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A process on this host, or in the network namespace of the pod.
    Local,
    /// Anybody else.
    Remote,
}

impl Caller {
    fn at(address: IpAddr) -> Self {
        if address.to_canonical().is_loopback() {
            Self::Local
        } else {
            Self::Remote
        }
    }
}

/// A listener that is not served yet.
#[derive(Debug)]
pub struct Server(Listener);

#[derive(Debug)]
enum Listener {
    Address(TcpListener),
    Socket(socket::Listener),
}

impl Server {
    /// Listens, so that whoever starts the daemon sees at once that it cannot.
    ///
    /// # Errors
    /// The address or the path cannot be had.
    pub async fn bind(listen: &Listen) -> Result<Self, OperationsError> {
        Ok(Self(match listen {
            Listen::Socket(path) => Listener::Socket(socket::Listener::bind(path)?),
            Listen::Address(address) => {
                let listener = TcpListener::bind(address).await;
                Listener::Address(listener.map_err(|error| OperationsError::Address {
                    address: *address,
                    error,
                })?)
            }
        }))
    }

    /// Where it listens; of an address with port 0, the port that it got.
    ///
    /// # Errors
    /// The system does not say.
    pub fn listens(&self) -> io::Result<Listen> {
        match &self.0 {
            Listener::Address(listener) => listener.local_addr().map(Listen::Address),
            Listener::Socket(listener) => Ok(Listen::Socket(listener.path().to_owned())),
        }
    }

    /// Serves until the shutdown, and then until the open requests are
    /// answered, but not for long.
    pub async fn serve(self, operations: Operations, shutdown: CancellationToken) {
        let routes = routes::router(operations);
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        while let Some(Ok(permit)) = shutdown
            .run_until_cancelled(room.clone().acquire_owned())
            .await
        {
            let accepted = shutdown.run_until_cancelled(self.0.accept()).await;
            let (stream, caller) = match accepted {
                Some(Ok(accepted)) => accepted,
                Some(Err(error)) => {
                    tracing::warn!(%error, "cannot accept a connection for operations");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                None => break,
            };
            let routes = routes.clone().layer(Extension(caller));
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                connection(stream, routes, shutdown).await;
                drop(permit);
            });
        }
        // Every permit is back when every connection has ended.
        let _ = room.acquire_many(CONNECTIONS as u32).await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Caller)> {
        match self {
            Self::Socket(listener) => Ok((Box::new(listener.accept().await?), Caller::Local)),
            Self::Address(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Box::new(stream), Caller::at(peer.ip())))
            }
        }
    }
}

async fn connection(stream: Box<dyn Stream>, routes: Router, shutdown: CancellationToken) {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES);
    let connection =
        server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    tokio::pin!(connection);
    tokio::select! {
        // What a caller does wrong is told to it, and no business of ours.
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(CONNECTION) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GRACE, connection).await;
}

#[cfg(test)]
mod tests;
