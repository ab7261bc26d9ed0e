//! Why a socket cannot be served.

use std::io;
use std::path::{Path, PathBuf};

use super::path::LONGEST;

/// Why a socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The path is no place for a socket.
    #[error("{} cannot be a socket: it names no file", path.display())]
    NoName {
        /// The socket.
        path: PathBuf,
    },
    /// Clients could not connect to it.
    #[error(
        "the socket path {} has {} bytes, and Linux takes {LONGEST} at most: \
         choose a shorter directory or name",
        path.display(), path.as_os_str().len()
    )]
    TooLong {
        /// The socket.
        path: PathBuf,
    },
    /// The directory is not there and cannot be made, or not be opened.
    #[error(
        "the directory of the socket {} cannot be used ({error}): \
         make it, or let this user write to it",
        path.display()
    )]
    Directory {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody listens there.
    #[error(
        "{} is already served by {by}: end it first, or choose another path",
        path.display()
    )]
    Served {
        /// The socket.
        path: PathBuf,
        /// Who, as far as it is known.
        by: String,
    },
    /// Something is there that nobody would expect to be replaced.
    #[error("{} is {what}, not a socket: move it away, or choose another path", path.display())]
    NotASocket {
        /// The socket.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It was replaced by somebody since it was made, so that it is not ours to remove.
    #[error("{} is another socket than the one that was made there: it stays", path.display())]
    NotOurs {
        /// The socket.
        path: PathBuf,
    },
    /// Another system call failed.
    #[error("cannot {action} the socket {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl SocketError {
    pub(super) fn io(action: &'static str, path: &Path, error: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            error: error.into(),
        }
    }
}
