//! Why a part of the cluster did not start.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a component, or the cluster, did not start. Its `Debug` form is for
/// people, since a test that unwraps shows that one: logs keep their lines.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A program that `testing/run` installs or builds is not there.
    #[error("{program} is not there: {reason}; `testing/run` prepares it")]
    Missing {
        /// The program's name.
        program: String,
        /// What was looked for.
        reason: String,
    },

    /// The program could not be executed.
    #[error("{program} could not be executed")]
    Spawn {
        /// The program's name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The program ended instead of serving.
    #[error("{program} ended with {status} before it was ready; the end of its log:\n{log}")]
    Exited {
        /// The program's name.
        program: String,
        /// How it ended.
        status: String,
        /// The last lines that it logged.
        log: String,
    },

    /// The program runs but did not get ready.
    #[error("{program} was not ready within {after:?} ({last}); the end of its log:\n{log}")]
    NotReady {
        /// The program's name.
        program: String,
        /// How long it was waited for.
        after: Duration,
        /// What the last probe said.
        last: String,
        /// The last lines that it logged.
        log: String,
    },

    /// A file of the cluster could not be written or read.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// No free port, no temporary directory.
    #[error("{what}")]
    System {
        /// What was asked of the system.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The key that signs service account tokens could not be made.
    #[error("the service account key could not be made")]
    Key(#[from] rcgen::Error),

    /// The kubeconfig of the cluster is not usable.
    #[error("the cluster's kubeconfig is not usable")]
    Kubeconfig(#[from] kube::config::KubeconfigError),

    /// A client of the cluster could not be made, or its request failed.
    #[error("the cluster's client failed")]
    Client(#[source] Box<kube::Error>),
}

impl From<kube::Error> for StartError {
    fn from(error: kube::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

impl StartError {
    /// Somebody else took the port between its choice and its use: worth another try.
    #[must_use]
    pub fn is_port_taken(&self) -> bool {
        matches!(self, Self::Exited { log, .. } if log.contains("address already in use"))
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
