//! How the rewrite of one object ended.

use std::time::Duration;

use flex2csi_translators::rewrite::{Awaited, Direction, ObjectKind, RecordError, Stop, StopCode};

use crate::journal::{BackupError, DocumentError, Trouble};

/// It is as it was to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// The form that it is in now.
    pub direction: Direction,
    /// The uid of the object that is there.
    pub uid: String,
    /// Whether it was like this already.
    pub was_done: bool,
    /// Whether its policy is still `Retain` and is to be another once the pods that
    /// used it meanwhile are gone: rewriting it once more sets it then.
    pub policy_is_due: bool,
    /// How long it took.
    pub took: Duration,
}

/// Why one object is not as it was to be. Whatever it is, its record tells all, and
/// going on is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The world is such that no program may go on.
    #[error(transparent)]
    World(#[from] Stop),
    /// Somebody did not do their part.
    #[error(
        "{subject} waited {} s for {}; see that this is running, then go on", waited.as_secs(),
        awaited.describe()
    )]
    Waited {
        /// The object.
        subject: String,
        /// For what.
        awaited: Awaited,
        /// How long.
        waited: Duration,
    },
    /// The API server does not want it.
    #[error(
        "{subject}: the API server refuses {doing}: {message} (HTTP status {status}); {remedy}"
    )]
    Refused {
        /// The object.
        subject: String,
        /// What was asked.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The API server could not be reached for too long.
    #[error("{subject}: no answer from the API server for {} s: {last}; try again later", waited.as_secs())]
    Unreachable {
        /// The object.
        subject: String,
        /// How long.
        waited: Duration,
        /// The last that was heard.
        last: String,
    },
    /// The world changed at each step.
    #[error("{subject} changes too often: {last}; find out who changes it, then go on")]
    Unsteady {
        /// The object.
        subject: String,
        /// The last that was heard.
        last: String,
    },
    /// Another worker has taken it over.
    #[error("{subject} was taken over by {holder}; nothing to do here")]
    Taken {
        /// The object.
        subject: String,
        /// By whom.
        holder: String,
    },
    /// Another worker is at it.
    #[error("{subject} is being worked on by {holder}; nothing to do here")]
    Held {
        /// The object.
        subject: String,
        /// Who.
        holder: String,
    },
    /// There is nothing from which to go back or on.
    #[error(
        "{kind} {name} has no VolumeMigration: it was not rewritten by flex2csi, or its record is gone"
    )]
    NoRecord {
        /// What it is.
        kind: ObjectKind,
        /// Its name.
        name: String,
    },
    /// The record is of another rewrite.
    #[error(
        "{subject} has the VolumeMigration {record} of another original (uid {uid}), {state}; \
         {remedy}"
    )]
    OtherRecord {
        /// The object.
        subject: String,
        /// Its record.
        record: String,
        /// Which original it is of.
        uid: String,
        /// How that is.
        state: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The kind `VolumeMigration` is not there.
    #[error(
        "the cluster does not know VolumeMigration; run: kubectl apply -f deploy/crds/volumemigrations.yaml"
    )]
    NoJournal,
    /// The task or the record makes no sense.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The record cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// It was not begun, or not gone on with, since the program is to end.
    #[error("{subject} was left as it is: the program was told to stop")]
    Cancelled {
        /// The object.
        subject: String,
    },
}

impl Stopped {
    /// What is worth to be kept in the record.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let reason = match self {
            // Nobody has to do anything.
            Self::World(stop) if stop.code == StopCode::Gone => return None,
            Self::World(stop) => stop.code.as_str(),
            Self::Waited { .. } => "WaitedTooLong",
            Self::Refused { .. } => "Refused",
            Self::Unsteady { .. } => "Unsteady",
            _ => return None,
        };
        Some(Trouble {
            reason: reason.to_owned(),
            message: self.to_string(),
        })
    }
}
