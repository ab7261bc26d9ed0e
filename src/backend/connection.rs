//! One HTTP/2 connection to a backend's socket.
//!
//! It is `h2` itself: hyper's client over it sends the head of a request and its
//! message in two packets, for each of which the backend is woken.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::{Request, Response};
use http_body::Body as _;
use rustix::fs::Stat;
use tokio::net::UnixStream;
use tokio_util::task::AbortOnDropHandle;

use super::last_words::LastWords;
use super::request_body;
use crate::grpc::Body;
use crate::socket::Stream;

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
    sender: SendRequest<Bytes>,
    ended: Arc<AtomicBool>,
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
        let stream = Stream::new(UnixStream::connect(socket).await?)?;
        let (sender, connection) = client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADERS_BYTES)
            .handshake(LastWords::of(stream))
            .await
            .map_err(io::Error::other)?;
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        // No pings keep it alive: the kernel tells when a process on this machine
        // ends, calls have deadlines, and grpc-go takes a ping within five minutes
        // of another for an attack and closes the connection under a long call.
        tokio::spawn(async move {
            // Each call on it learns this by itself.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to a backend ended");
            }
            end.store(true, Ordering::Relaxed);
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            sender,
            ended,
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
        !self.ended.load(Ordering::Relaxed)
            && FileId::of(socket).is_ok_and(|file| file == self.file)
    }

    /// Sends a call. Dropping the future, or the answer's body, cancels it.
    ///
    /// # Errors
    /// The call's request, if not a byte of it was sent, and why.
    pub async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Body>, (h2::Error, Option<Request<Body>>)> {
        if let Err(error) = poll_fn(|cx| self.sender.poll_ready(cx)).await {
            return Err((error, Some(request)));
        }
        let (head, body) = request.into_parts();
        let ends = body.is_end_stream();
        let sent = self
            .sender
            .send_request(Request::from_parts(head, ()), ends);
        let (answer, stream) = sent.map_err(|error| (error, None))?;
        // Cancelled with the call, until it is answered.
        let mut rest = None;
        if !ends {
            let mut sending = Box::pin(request_body::send(body, stream));
            let sent = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_ready()));
            if !sent.await {
                rest = Some(AbortOnDropHandle::new(tokio::spawn(sending)));
            }
        }
        let answer = pin!(answer).await.map_err(|error| (error, None))?;
        if let Some(rest) = rest {
            rest.detach();
        }
        Ok(answer.map(Body::from))
    }
}
