//! What can go wrong in a call, and the gRPC code of each.

use std::io;
use std::path::{Path, PathBuf};

use tonic::{Code, Status};

use super::id::{Id, Object};

#[cfg(test)]
mod tests;

/// Why a call failed. The codes are those of the error tables of CSI 1.12.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0} is missing from the request")]
    Missing(&'static str),
    #[error("{field} {why}")]
    Invalid { field: &'static str, why: String },
    #[error("there is no {object} {id:?}")]
    Unknown { object: Object, id: String },
    #[error("volume {volume} is not at {path:?}")]
    NotThere { volume: Id, path: String },
    #[error("{object} {id} is there already, but {why}")]
    Exists { object: Object, id: Id, why: String },
    #[error("another call is working on {object} {id}; try again when it is done")]
    Busy { object: Object, id: Id },
    #[error("starting_token {0:?} is none of ours; start again without one")]
    Token(String),
    #[error("capacity_range {0}")]
    Capacity(String),
    #[error("no node is where accessibility_requirements ask for: {0}")]
    NoPlace(String),
    #[error("node {node} has {limit} volumes attached, as many as it can have")]
    NodeFull { node: Id, limit: i64 },
    #[error("{object} {id} {by}")]
    InUse { object: Object, id: Id, by: String },
    #[error("volume {volume} {why}")]
    Precondition { volume: Id, why: String },
    #[error("staging_target_path is missing: this driver stages volumes")]
    NoStagingPath,
    #[error("{key:?} is missing from the secrets of volume {volume}: this driver needs it")]
    NoSecret { volume: Id, key: String },
    #[error("this driver was started without {0}")]
    Unsupported(&'static str),
    #[error("{program} is not installed: install {package}")]
    NoProgram {
        program: &'static str,
        package: &'static str,
    },
    #[error("{program} failed on {}: {said}", path.display())]
    Program {
        program: &'static str,
        path: PathBuf,
        said: String,
    },
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the record {} is damaged; look at it by hand: {why}", path.display())]
    Record { path: PathBuf, why: String },
    #[error("something that is not volume {volume} is mounted at {path:?}")]
    Foreign { volume: Id, path: String },
    #[error("the faults in {} are not readable: {why}", path.display())]
    Faults { path: PathBuf, why: String },
    #[error("a fault that was asked for")]
    Asked(Code),
}

impl Error {
    /// A failed system call, for `map_err`.
    pub(super) fn io<E: Into<io::Error>>(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// A field with a value that cannot be.
    pub(super) fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            why: why.into(),
        }
    }

    /// The gRPC code that CSI 1.12 gives this.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Missing(_) | Self::Invalid { .. } => Code::InvalidArgument,
            Self::Unknown { .. } | Self::NotThere { .. } => Code::NotFound,
            Self::Exists { .. } => Code::AlreadyExists,
            Self::Busy { .. } | Self::Token(_) => Code::Aborted,
            Self::Capacity(_) => Code::OutOfRange,
            Self::NoPlace(_) | Self::NodeFull { .. } => Code::ResourceExhausted,
            Self::InUse { .. }
            | Self::Precondition { .. }
            | Self::NoStagingPath
            | Self::NoProgram { .. } => Code::FailedPrecondition,
            Self::NoSecret { .. } => Code::Unauthenticated,
            Self::Unsupported(_) => Code::Unimplemented,
            Self::Io { source, .. } if is_no_space(source) => Code::ResourceExhausted,
            Self::Program { .. }
            | Self::Io { .. }
            | Self::Record { .. }
            | Self::Foreign { .. }
            | Self::Faults { .. } => Code::Internal,
            Self::Asked(code) => *code,
        }
    }
}

fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
