//! What stands where kubelet looks for the executable.

use rustix::fs::FileType;

use super::InstallError;
use super::binary;
use super::directory::{self, Directory, EXECUTABLE};
use super::names::Names;
use super::record::Record;
use super::stamp::Stamp;

/// What stands where kubelet looks for the executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Occupant {
    /// Nothing.
    Nobody,
    /// An exec binary of ours.
    Ours {
        stamp: Stamp,
        /// Its content, in hex.
        sha256: String,
    },
    /// A driver that somebody else put there.
    Stranger {
        stamp: Stamp,
        /// Its content, in hex; none of a link, which may lead out of what we see.
        sha256: Option<String>,
    },
    /// A link to the original that is kept: somebody undid the installation by hand.
    LinkToOriginal { stamp: Stamp },
}

impl Occupant {
    /// Looks; `binary` is the hash of what is to be there. Ours is known by its content: whatever else a legacy installer
    /// leaves as it was, it does not leave that.
    pub fn find(
        directory: &Directory,
        names: &Names,
        binary: &str,
        record: Option<&Record>,
        driver: &super::FlexDriver,
    ) -> Result<Self, InstallError> {
        let name = &names.executable;
        let Some((kind, stamp)) = directory.look(name)? else {
            return Ok(Self::Nobody);
        };
        match kind {
            FileType::RegularFile => {}
            FileType::Symlink => {
                let target = directory.link_target(name)?;
                let last = target.rsplit(|byte| *byte == b'/').next();
                let to_original = last == Some(names.original.as_bytes());
                return Ok(if to_original {
                    Self::LinkToOriginal { stamp }
                } else {
                    Self::Stranger {
                        stamp,
                        sha256: None,
                    }
                });
            }
            other => {
                return Err(InstallError::NoExecutable {
                    driver: driver.clone(),
                    path: directory.path_of(name),
                    what: directory::called(other),
                });
            }
        }
        let Some((file, stamp)) = directory.open_file(name)? else {
            return Ok(Self::Nobody);
        };
        let sha256 = binary::sha256_of(file).map_err(|source| InstallError::Io {
            action: "read",
            path: directory.path_of(name),
            source,
        })?;
        Ok(match sha256 {
            Some(sha256)
                if sha256 == binary || record.is_some_and(|record| record.knows(&sha256)) =>
            {
                Self::Ours { stamp, sha256 }
            }
            sha256 => Self::Stranger { stamp, sha256 },
        })
    }

    /// Whether it still stands there, unchanged.
    pub fn is_still(&self, directory: &Directory, names: &Names) -> Result<bool, InstallError> {
        let now = directory.look(&names.executable)?.map(|(_, stamp)| stamp);
        Ok(match self {
            Self::Nobody => now.is_none(),
            Self::Ours { stamp, .. }
            | Self::Stranger { stamp, .. }
            | Self::LinkToOriginal { stamp } => now.is_some_and(|now| now.is_same_file(stamp)),
        })
    }

    /// Whether it is the exec binary itself, as kubelet can run it and nobody but
    /// us can write it.
    pub fn is_good(&self, binary: &str) -> bool {
        match self {
            Self::Ours { stamp, sha256 } => {
                sha256 == binary
                    && stamp.mode & 0o7777 == EXECUTABLE.as_raw_mode()
                    && stamp.owner == rustix::process::geteuid().as_raw()
            }
            _ => false,
        }
    }
}
