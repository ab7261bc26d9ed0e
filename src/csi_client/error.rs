//! Why a call to a CSI driver failed.

use flex2csi_translators::csi_volume;
use tonic::Code;

use crate::backend::BackendError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsiError {
    /// The driver says so.
    #[error("the CSI driver {driver} fails {rpc}: {message} ({code:?})")]
    Status {
        /// The driver.
        driver: String,
        /// As `NodeStageVolume`.
        rpc: &'static str,
        /// Its code.
        code: Code,
        /// Its message.
        message: String,
    },
    /// It did not answer in time.
    #[error(
        "the CSI driver {driver} has not answered {rpc} in time; it may still do it, \
         and it is safe to call again"
    )]
    Deadline {
        /// The driver.
        driver: String,
        /// As `NodeStageVolume`.
        rpc: &'static str,
    },
    /// It could not be asked, or the connection broke.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// It answered what is no answer.
    #[error("the CSI driver {driver} answers {rpc} with what cannot be read: {reason}")]
    Answer {
        /// The driver.
        driver: String,
        /// As `NodeStageVolume`.
        rpc: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl CsiError {
    /// Whether the call has failed and does nothing more; after any other error it
    /// may have happened, or may happen yet.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Status { code, .. } => csi_volume::is_final(*code as i32),
            Self::Deadline { .. } | Self::Backend(_) | Self::Answer { .. } => false,
        }
    }

    /// The driver's code, if it is the driver's error.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }
}
