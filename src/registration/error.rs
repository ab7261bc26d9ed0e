//! Why a driver cannot be registered.

use std::path::PathBuf;

use crate::socket::SocketError;
use crate::socket::path::LONGEST;

/// Why a driver cannot be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Kubelet could not dial the CSI socket.
    #[error(
        "kubelet cannot use the CSI socket {}: it needs an absolute path of UTF-8 \
         with at most {LONGEST} bytes",
        endpoint.display()
    )]
    Endpoint {
        /// The path of the CSI socket.
        endpoint: PathBuf,
    },
    /// The registration socket cannot be made.
    #[error(transparent)]
    Socket(#[from] SocketError),
}
