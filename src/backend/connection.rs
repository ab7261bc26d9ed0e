//! One HTTP/2 connection to a backend's socket.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::fs::Stat;
use tokio::net::UnixStream;

use super::last_words::LastWords;
use crate::grpc::Body;

/// After this long without a byte while a call is open the backend is pinged: one
/// that is frozen does not answer, and the calls on the connection fail. gRPC's
/// servers end the connection, and the call, of who pings more often than every
/// five minutes (grpc-go `keepalive.EnforcementPolicy`).
const KEEP_ALIVE: Duration = Duration::from_secs(330);
/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(20);

/// Trailers with error details can be long.
const HEADERS_BYTES: u32 = 256 * 1024;

/// Large answers are not to wait for the window (bytes).
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// The number of the next connection.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A connection, and of which socket file.
#[derive(Debug, Clone)]
pub struct Connection {
    sender: http2::SendRequest<Body>,
    file: FileId,
    number: u64,
}

/// Which file stood at the path: a new one is a new process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let Stat { st_dev, st_ino, .. } = rustix::fs::stat(path)?;
        Ok(Self {
            device: st_dev,
            inode: st_ino,
        })
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens, or what does breaks off.
    pub async fn open(socket: &Path) -> io::Result<Self> {
        let file = FileId::of(socket)?;
        let stream = UnixStream::connect(socket).await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(PONG)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADERS_BYTES)
            .handshake(TokioIo::new(LastWords::of(stream)))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(async move {
            // Each call on it learns this by itself.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to a backend ended");
            }
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            sender,
            file,
            number,
        })
    }

    /// Whether both are one connection.
    pub fn is_same(&self, other: &Self) -> bool {
        self.number == other.number
    }

    /// Whether calls can still be sent on it, to the process that now serves the
    /// socket.
    pub fn is_current(&self, socket: &Path) -> bool {
        !self.sender.is_closed() && FileId::of(socket).is_ok_and(|file| file == self.file)
    }

    /// Sends a call. Dropping the future, or the answer's body, cancels it.
    ///
    /// # Errors
    /// The call's request, if not a byte of it was sent, and why.
    pub async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Request<Body>>)> {
        self.sender
            .try_send_request(request)
            .await
            .map_err(|mut error| {
                let request = error.take_message();
                (error.into_error(), request)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least that grpc-go's servers ask of their clients by default
    /// (`keepalive.EnforcementPolicy.MinTime`): after three pings that come
    /// sooner they end the connection, and the calls on it.
    #[test]
    fn backends_are_not_pinged_more_often_than_they_bear() {
        assert!(KEEP_ALIVE > Duration::from_secs(5 * 60));
    }
}
