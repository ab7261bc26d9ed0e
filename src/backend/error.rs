//! Why a backend did not answer.

use std::io;
use std::path::PathBuf;

use crate::grpc::BodyError;

/// Why a backend did not answer. Each says which socket, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Nobody listens, or we may not connect.
    #[error(
        "the CSI driver{} cannot be reached at {}: {source}; is its pod running on this node, \
         and is the socket mounted here?",
        named(.driver), .socket.display()
    )]
    Unreachable {
        /// What was expected there, if that is known.
        driver: Option<String>,
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It accepts connections and says nothing.
    #[error(
        "what listens on {} does not answer; restart the CSI driver's pod{}",
        .socket.display(), named(.driver)
    )]
    Silent {
        /// What was expected there, if that is known.
        driver: Option<String>,
        /// Its socket.
        socket: PathBuf,
    },
    /// Another driver answers.
    #[error(
        "{} is served by the CSI driver {found:?}, not by {expected:?}; nothing was asked of it: \
         correct the socket or the driver in the configuration",
        .socket.display()
    )]
    OtherDriver {
        /// Its socket.
        socket: PathBuf,
        /// What was expected there.
        expected: String,
        /// What it says that it is.
        found: String,
    },
    /// What answers is no CSI driver.
    #[error("what listens on {} is no CSI driver: {reason}", .socket.display())]
    NoDriver {
        /// Its socket.
        socket: PathBuf,
        /// What it did.
        reason: String,
    },
    /// The connection broke before an answer came. What the call did is not known.
    #[error(
        "the connection to the CSI driver at {} broke during the call: {reason}; \
         it is safe to call again",
        .socket.display()
    )]
    Broken {
        /// Its socket.
        socket: PathBuf,
        /// What the connection said.
        reason: String,
    },
    /// The backend reset the call's stream, which is its way to end it.
    #[error("the CSI driver at {} reset the call: {source}", .socket.display())]
    Reset {
        /// Its socket.
        socket: PathBuf,
        /// With which reason.
        source: BodyError,
    },
}

/// Whether an error is a stream's reset by the other side, not the connection's end.
pub fn is_reset(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_reset() && error.is_remote();
        }
        next = error.source();
    }
    false
}

/// Whether an error says that the other side has not acted on the call and never
/// will: it refused the stream, or named an earlier one as its last (RFC 9113,
/// sections 8.7 and 6.8). h2 gives the second error to later streams only.
pub(super) fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return error.is_remote() && (is_refused || error.is_go_away());
        }
        next = error.source();
    }
    false
}

fn named(driver: &Option<String>) -> String {
    driver
        .as_ref()
        .map(|driver| format!(" {driver}"))
        .unwrap_or_default()
}
