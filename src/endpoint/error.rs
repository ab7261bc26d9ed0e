//! Why the endpoint does not carry a call out, and the code that says so.

use std::path::PathBuf;

use tonic::{Code, Status};

use super::LookupError;
use super::wire::Malformed;
use crate::backend::BackendError;
use crate::grpc::FrameError;

/// Why the endpoint does not carry a call out. Nothing was asked of the backend,
/// except where the variant says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request is no protobuf message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The request's body is not one gRPC message.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The request broke off.
    #[error("the request broke off: {0}")]
    Interrupted(String),
    /// The request is longer than what is looked into.
    #[error("the request has more than {limit} bytes, and may hold a volume to translate")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// A message is compressed in a way that we do not read.
    #[error(
        "messages compressed with {encoding:?} are not read; send them with gzip or as they are"
    )]
    Compression {
        /// `grpc-encoding`.
        encoding: String,
    },
    /// A compressed message does not decompress, or to too much.
    #[error("the message does not decompress: {0}")]
    Decompress(String),
    /// The volume cannot be translated.
    #[error("volume {id:?} cannot be translated for the call: {error}; {}", .error.remedy())]
    Volume {
        /// Its id in the request.
        id: String,
        /// Why.
        error: Box<flex2csi_translators::Error>,
    },
    /// The StorageClass's parameters cannot be translated.
    #[error("the StorageClass's parameters cannot be translated: {error}; {}", .error.remedy())]
    Parameters {
        /// Why.
        error: Box<flex2csi_translators::Error>,
    },
    /// The source belongs to another backend.
    #[error(
        "{what} is for the CSI driver {found:?}, and this endpoint is that of {expected:?}: \
         name the endpoint of {found:?} in it"
    )]
    OtherBackend {
        /// The volume or the parameters.
        what: String,
        /// Whose it is.
        found: String,
        /// Whose endpoint this is.
        expected: String,
    },
    /// The request's id and its source are of two volumes.
    #[error(
        "the volume's id is {id:?}, but its legacy source is that of {handle:?}: one of both was \
         changed, or the values were; nothing was done, since another volume might have been used"
    )]
    OtherVolume {
        /// Its id in the request.
        id: String,
        /// What its source translates to.
        handle: String,
    },
    /// A volume that was written without a value names no Secret for a driver
    /// that needs one.
    #[error(
        "volume {id:?} needs the Secret of {secret_ref}, which its PersistentVolume does not name: \
         translate it again now that the value is known"
    )]
    MissingSecret {
        /// Its id in the request.
        id: String,
        /// The member of `spec.csi`.
        secret_ref: String,
    },
    /// Nobody knows what an undecided handle stands for.
    #[error(
        "what volume {id:?} stands for is not known here: no record of this node and no \
         PersistentVolume has this handle; nothing was done"
    )]
    UnknownHandle {
        /// The handle.
        id: String,
    },
    /// What an undecided handle stands for could not be looked up.
    #[error("what volume {id:?} stands for cannot be looked up: {error}")]
    Lookup {
        /// The handle.
        id: String,
        /// Why.
        error: LookupError,
    },
    /// The record of an undecided handle cannot be read or written.
    #[error("the record {} of volume {id:?} cannot be kept: {error}", .file.display())]
    Record {
        /// The handle.
        id: String,
        /// The record.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The backend did not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The backend's answer cannot be given back in the caller's form. The call
    /// was carried out.
    #[error("the CSI driver's answer cannot be read: {0}; the call was carried out")]
    Answer(String),
    /// The caller's deadline passed. The backend may go on.
    #[error("the CSI driver did not answer within the caller's deadline")]
    Deadline,
}

impl CallError {
    /// A volume that cannot be translated.
    pub(super) fn volume(id: &str, error: flex2csi_translators::Error) -> Self {
        Self::Volume {
            id: id.to_owned(),
            error: Box::new(error),
        }
    }

    /// The code with which gRPC says this (CSI 1.12, "Error Scheme"; gRPC status
    /// codes).
    pub fn code(&self) -> Code {
        use flex2csi_translators::Error;
        match self {
            Self::Malformed(_)
            | Self::Frame(_)
            | Self::Decompress(_)
            | Self::Record { .. }
            | Self::Answer(_) => Code::Internal,
            Self::Interrupted(_) => Code::Cancelled,
            Self::TooLong { .. } => Code::ResourceExhausted,
            Self::Compression { .. } => Code::Unimplemented,
            Self::Volume { error, .. } | Self::Parameters { error } => match &**error {
                Error::Json(_)
                | Error::MissingField { .. }
                | Error::Invalid { .. }
                | Error::SeveralSources { .. } => Code::InvalidArgument,
                // It lies with this flex2csi or its configuration, not with the call.
                _ => Code::FailedPrecondition,
            },
            Self::OtherBackend { .. }
            | Self::OtherVolume { .. }
            | Self::MissingSecret { .. }
            | Self::UnknownHandle { .. }
            | Self::Lookup {
                error: LookupError::Two(..),
                ..
            } => Code::FailedPrecondition,
            Self::Lookup { .. } => Code::Unavailable,
            Self::Backend(BackendError::OtherDriver { .. }) => Code::FailedPrecondition,
            Self::Backend(_) => Code::Unavailable,
            Self::Deadline => Code::DeadlineExceeded,
        }
    }

    /// The status that ends the call.
    pub fn status(&self) -> Status {
        Status::new(self.code(), self.to_string())
    }
}

#[cfg(test)]
mod tests;
