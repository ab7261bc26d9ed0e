//! Listening.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio_stream::Stream;

use super::backoff::{Backoff, is_lasting};
use super::callers::Callers;
use super::denial::Denials;
use super::incoming::Incoming;
use super::{Connection, Place, SocketError};

/// A socket that is listened on. The socket stays when it is dropped.
#[derive(Debug)]
pub struct Listener {
    place: Arc<Place>,
    listener: UnixListener,
    callers: Callers,
    denials: Denials,
}

impl Listener {
    /// Listens on a path, of which [`Place::claim`] tells what may be there.
    /// It has to be called within a tokio runtime.
    ///
    /// # Errors
    /// The path cannot be claimed, or the system refuses.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let place = Place::claim(path)?;
        let listener = place.bind()?;
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| UnixListener::from_std(listener))
            .map_err(|error| SocketError::io("listen on", path, error))?;
        Ok(Self {
            place: Arc::new(place),
            listener,
            callers: Callers::of_this_process(),
            denials: Denials::new(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The place that it listens at, for removing the socket at the end of all.
    #[must_use]
    pub fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    /// The next connection of a caller who may call: root, or the user of this
    /// process. Trouble that passes, such as no free descriptors, is waited for.
    /// No connection is lost when this is dropped before it is done.
    ///
    /// # Errors
    /// The socket cannot accept any more.
    pub async fn accept(&self) -> io::Result<Connection> {
        let mut backoff = Backoff::new();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Some(connection) = self.admitted(stream) {
                        return Ok(connection);
                    }
                }
                Err(error) if is_lasting(&error) => return Err(error),
                Err(error) => backoff.wait(self.path(), &error).await,
            }
        }
    }

    fn admitted(&self, stream: UnixStream) -> Option<Connection> {
        let path = self.path().display();
        let caller = match stream.peer_cred() {
            Ok(caller) => caller,
            Err(error) => {
                tracing::warn!(socket = %path, %error, "cannot tell who calls: connection closed");
                return None;
            }
        };
        let connection = match Connection::new(stream) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(socket = %path, %error, "connection closed");
                return None;
            }
        };
        if self.callers.admit(caller.uid()) {
            return Some(connection);
        }
        let reason = format!(
            "user {} may not call {path}: only {} may",
            caller.uid(),
            self.callers
        );
        tracing::warn!(socket = %path, user = caller.uid(), process = caller.pid(), "call denied");
        self.denials.deny(connection, reason);
        None
    }

    /// All connections, one after another. It ends after an error.
    pub fn into_incoming(self) -> impl Stream<Item = io::Result<Connection>> + Send {
        Incoming::new(self)
    }
}
