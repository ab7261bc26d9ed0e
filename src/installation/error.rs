//! Why a driver is not installed.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::FlexDriver;

/// Why a driver is not installed, or not uninstalled. Other drivers are not
/// touched by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// Kubelet makes the directory when it starts.
    #[error(
        "there is no plugin directory {}: kubelet makes it when it starts; is its \
         `volumePluginDir` another one, or is the host's not mounted here?",
        path.display()
    )]
    NoPluginDirectory {
        /// Where it should be.
        path: PathBuf,
    },
    /// The driver's directory is something else.
    #[error(
        "{} is {what}: kubelet looks for {driver} only in a real directory of that name; \
         move it away",
        path.display()
    )]
    NoDirectory {
        /// The driver.
        driver: FlexDriver,
        /// Where its directory should be.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The executable's name is taken by something that is none.
    #[error(
        "{} is {what}, which is neither an executable nor a link to one: it is left alone; \
         move it away to have {driver} served",
        path.display()
    )]
    NoExecutable {
        /// The driver.
        driver: FlexDriver,
        /// The executable's path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The exec binary that is to be installed cannot be used.
    #[error("the exec binary {} cannot be installed: {why}", path.display())]
    ExecBinary {
        /// The binary.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The system refuses.
    #[error("cannot {action} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried, as in "rename to".
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Somebody else keeps changing the directory.
    #[error(
        "{} keeps changing while {driver} is installed: another installer is at work there; \
         it is tried again",
        path.display()
    )]
    Unsteady {
        /// The driver.
        driver: FlexDriver,
        /// Its directory.
        path: PathBuf,
    },
    /// Another daemon, or `flex2csi node uninstall`, works there.
    #[error(
        "another process of flex2csi has locked {}: is a second node daemon running?",
        path.display()
    )]
    Locked {
        /// The plugin directory.
        path: PathBuf,
    },
    /// The mount table cannot be read.
    #[error("cannot read what is mounted on this node: {source}")]
    MountTable {
        /// Why it failed.
        source: io::Error,
    },
}

impl InstallError {
    pub(super) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(Errno) -> InstallError {
        let path = path.as_ref().to_owned();
        move |errno| Self::Io {
            action,
            path,
            source: errno.into(),
        }
    }
}

/// What to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "; on a node with a read-only /usr, give kubelet another `volumePluginDir` and \
             the daemon the same"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; nothing was changed, make room on that filesystem"
        }
        io::ErrorKind::PermissionDenied => {
            "; the daemon has to run as root, with the host's plugin directory mounted \
             writable"
        }
        _ => "",
    }
}
