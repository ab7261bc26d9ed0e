//! Listening.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio_stream::Stream;

use super::Connection;

/// Why a socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// A system call failed.
    #[error("cannot listen on {}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    listener: UnixListener,
}

impl Listener {
    /// Listens on a path; a socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// The directory does not let us.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let error = |source| SocketError::Io {
            path: path.to_owned(),
            source,
        };
        match std::fs::remove_file(path) {
            Err(gone) if gone.kind() != io::ErrorKind::NotFound => return Err(error(gone)),
            _ => {}
        }
        Ok(Self {
            path: path.to_owned(),
            listener: UnixListener::bind(path).map_err(error)?,
        })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection of a caller who may call.
    ///
    /// # Errors
    /// Accepting failed, as when no file descriptors are left.
    pub async fn accept(&self) -> io::Result<Connection> {
        let (stream, _) = self.listener.accept().await?;
        Ok(Connection::new(stream))
    }

    /// All connections, one after another.
    pub fn into_incoming(self) -> impl Stream<Item = io::Result<Connection>> + Send {
        tokio_stream::wrappers::UnixListenerStream::new(self.listener).map_ok_connection()
    }
}

use tokio_stream::StreamExt;

trait MapConnection: Stream<Item = io::Result<tokio::net::UnixStream>> + Sized {
    fn map_ok_connection(
        self,
    ) -> tokio_stream::adapters::Map<Self, fn(Self::Item) -> io::Result<Connection>> {
        self.map(|stream| stream.map(Connection::new))
    }
}

impl<S: Stream<Item = io::Result<tokio::net::UnixStream>>> MapConnection for S {}
