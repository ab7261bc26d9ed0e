//! A backend: its socket and the connection to it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};

use super::error::{is_refusal, is_reset};
use super::identity;
use super::{BackendError, Connection};
use crate::csi_client::NodeCapabilities;
use crate::grpc::{Body, BodyError, Repeatable};

/// How long a new connection may take to say which driver it is.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// How often a call is sent that the backend does not take: one that has to wait for
/// its turn, on connections that do not last, misses several of them.
const ATTEMPTS: u32 = 20;

/// A backend that is reached over one socket.
#[derive(Debug)]
pub struct Backend {
    socket: PathBuf,
    /// Which driver it has to be: as configured, or as it was first met.
    driver: Mutex<Option<String>>,
    connection: Mutex<Option<Connection>>,
    /// Held while connecting, so that one does and the others wait for it.
    connecting: tokio::sync::Mutex<()>,
    node_id: Mutex<Option<String>>,
    /// What its node part can do, and which connection it said that on.
    node_capabilities: Mutex<Option<(u64, NodeCapabilities)>>,
    /// How often a connection was made.
    connections: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked is whole after each statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    /// A backend at a socket; it is connected to when it is first needed. Without
    /// a driver's name, whichever is met first is the one that it has to be.
    pub fn new(socket: PathBuf, driver: Option<String>) -> Self {
        Self {
            socket,
            driver: Mutex::new(driver),
            connection: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            node_id: Mutex::default(),
            node_capabilities: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The driver that it is, or has to be.
    pub fn driver(&self) -> Option<String> {
        lock(&self.driver).clone()
    }

    /// How often a connection to it was made.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// What its node part can do, as it said on the connection that there is.
    pub fn node_capabilities(&self) -> Option<NodeCapabilities> {
        let (connection, known) = (*lock(&self.node_capabilities))?;
        (connection == self.connections() && self.is_connected()).then_some(known)
    }

    /// Keeps what its node part said that it can do, while that connection lasts.
    pub fn learn_node_capabilities(&self, connection: u64, said: NodeCapabilities) {
        *lock(&self.node_capabilities) = Some((connection, said));
    }

    /// Whether there is a connection to it now.
    pub fn is_connected(&self) -> bool {
        self.current().is_some()
    }

    fn current(&self) -> Option<Connection> {
        let connection = lock(&self.connection).clone();
        connection.filter(|connection| connection.is_current(&self.socket))
    }

    /// A connection to the right driver.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn connection(&self) -> Result<Connection, BackendError> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let connection = self.introduce().await?;
        *lock(&self.node_id) = None;
        *lock(&self.connection) = Some(connection.clone());
        Ok(connection)
    }

    /// Connects and asks who is there, before anything else is asked.
    async fn introduce(&self) -> Result<Connection, BackendError> {
        let silent = || BackendError::Silent {
            driver: self.driver(),
            socket: self.socket.clone(),
        };
        let introduction = async {
            let opened = Connection::open(&self.socket).await;
            let mut connection = opened.map_err(|source| BackendError::Unreachable {
                driver: self.driver(),
                socket: self.socket.clone(),
                source,
            })?;
            let name = identity::plugin_name(&mut connection).await;
            let name = name.map_err(|reason| BackendError::NoDriver {
                socket: self.socket.clone(),
                reason,
            })?;
            Ok((connection, name))
        };
        let introduced = tokio::time::timeout(INTRODUCTION, introduction).await;
        let (connection, found) = introduced.map_err(|_| silent())??;
        let mut driver = lock(&self.driver);
        match &*driver {
            Some(expected) if *expected != found => Err(BackendError::OtherDriver {
                socket: self.socket.clone(),
                expected: expected.clone(),
                found,
            }),
            _ => {
                let count = &self.connections;
                count.fetch_add(1, Ordering::Relaxed);
                tracing::info!(driver = %found, socket = %self.socket.display(), "connected to the backend");
                *driver = Some(found);
                Ok(connection)
            }
        }
    }

    /// Sends a call and waits for the head of its answer. A call on which nobody
    /// can have acted, because the backend ended the connection or refused the
    /// call, is sent again.
    ///
    /// # Errors
    /// The backend cannot be reached, or the connection breaks.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, BackendError> {
        let (head, body) = request.into_parts();
        let (body, mut attempt) = Repeatable::new(body);
        let mut left = ATTEMPTS;
        loop {
            let mut connection = self.connection().await?;
            let request = Request::from_parts(head.clone(), attempt);
            let (error, unsent) = match connection.send(request).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            let is_undone = unsent.is_some() || body.is_untouched() || is_refusal(&error);
            left -= 1;
            attempt = match body.attempt() {
                Some(attempt) if is_undone && left > 0 => attempt,
                _ => return Err(self.broken(error.into())),
            };
            // A stream is refused by itself; all else is about the connection.
            if !is_reset(&error) {
                self.forget(&connection);
            }
            tracing::debug!(%error, socket = %self.socket.display(), "a call is sent again");
        }
    }

    /// Lets the next call make a new connection, unless another call did already.
    fn forget(&self, gone: &Connection) {
        let mut connection = lock(&self.connection);
        if connection.as_ref().is_some_and(|it| it.is_same(gone)) {
            *connection = None;
        }
    }

    /// What an error of a call means that was sent on a connection to it.
    pub fn broken(&self, error: BodyError) -> BackendError {
        let socket = self.socket.clone();
        if is_reset(&*error) {
            return BackendError::Reset {
                socket,
                source: error,
            };
        }
        let reason = chain(&*error);
        BackendError::Broken { socket, reason }
    }

    /// The driver's own id of the node that its socket is on; asked once.
    ///
    /// # Errors
    /// It cannot be reached, or does not say.
    pub async fn node_id(&self) -> Result<String, BackendError> {
        if let Some(id) = lock(&self.node_id).clone() {
            return Ok(id);
        }
        let unasked = |reason| BackendError::NoDriver {
            socket: self.socket.clone(),
            reason,
        };
        let question = identity::node_question().map_err(unasked)?;
        let response = self.call(question).await?;
        let id = identity::node_id(response).await.map_err(unasked)?;
        *lock(&self.node_id) = Some(id.clone());
        Ok(id)
    }
}

/// An error and what it came from, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
