//! Why the listener cannot be served.

use std::io;
use std::net::SocketAddr;

use crate::socket::SocketError;

/// Why the listener cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationsError {
    /// The address is not ours, or taken.
    #[error("cannot listen on {address} for operations: {error}")]
    Address {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The socket cannot be made.
    #[error(transparent)]
    Socket(#[from] SocketError),
}
