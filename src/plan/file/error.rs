use std::path::{Path, PathBuf};

/// Why a plan file cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{} is no plan: {reason}; make one with `flex2csi plan --out FILE`", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// It is of a version that is not known here.
    #[error("{} is of version {version}, which this flex2csi does not know; plan again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A document of it cannot be read.
    #[error("{}, line {line}: {reason}; only `options` may be edited", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Something was changed that may not be.
    #[error(
        "{}, line {line}: {what} is not as it was planned; only `options` may be edited: \
         take the change back, or plan again", path.display()
    )]
    Edited {
        /// The file.
        path: PathBuf,
        /// Where its document begins.
        line: u64,
        /// What was changed.
        what: String,
    },
    /// Its end is missing.
    #[error("{} is cut off after {objects} objects; copy it again, or plan again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How many are there.
        objects: u64,
    },
    /// Documents were taken out, added or moved.
    #[error(
        "{} has other objects than were planned ({objects}, planned were {planned}), or in another \
         order; to leave one out set its `options.skip`, or plan again", path.display()
    )]
    OtherObjects {
        /// The file.
        path: PathBuf,
        /// How many are there.
        objects: u64,
        /// How many were planned.
        planned: u64,
    },
    /// It was made for the other form.
    #[error("{}", other_form(path, *planned))]
    OtherForm {
        /// The file.
        path: PathBuf,
        /// Whether objects were to become the endpoint's.
        planned: bool,
    },
    /// It was made for another cluster.
    #[error(
        "{} was made for another cluster (kube-system has the uid {planned} there, and {actual} here); \
         give its --kubeconfig or --context, or plan again", path.display()
    )]
    OtherCluster {
        /// The file.
        path: PathBuf,
        /// The cluster that it was made for.
        planned: String,
        /// The one that is asked.
        actual: String,
    },
}

fn other_form(path: &Path, planned: bool) -> String {
    let path = path.display();
    match planned {
        true => format!(
            "{path} was made with --via-endpoint, which is not given now: its objects would become the \
             backends' own instead of the endpoint's; give --via-endpoint, or plan again without it"
        ),
        false => format!(
            "{path} was made without --via-endpoint, which is given now: its objects would become the \
             endpoint's instead of the backends' own; leave it out, or plan again with it"
        ),
    }
}
