//! Keeping the driver that was there before.

use rustix::fs::FileType;

use super::binary;
use super::directory::Directory;
use super::stamp::Stamp;
use super::steps::reached;
use super::{InstallError, Installation};

impl Installation {
    /// Gives the executable that is there the original's name as well: at no moment
    /// is it without its own. Gives whether it could: not where another one
    /// has come meanwhile.
    pub(super) fn keep_original(
        &self,
        directory: &Directory,
        executable: &Stamp,
        sha256: Option<&str>,
    ) -> Result<bool, InstallError> {
        let names = &self.names;
        let kept = directory.look(&names.original)?;
        if let Some((_, kept)) = kept
            && kept.is_same_file(executable)
        {
            return Ok(true);
        }
        directory.unlink(&names.new_original)?;
        directory.link(&names.executable, &names.new_original)?;
        reached("install.linked");
        let linked = directory.look(&names.new_original)?;
        if !linked.is_some_and(|(_, linked)| linked.is_same_file(executable)) {
            return Ok(false);
        }
        if !self.is_kept_content(directory, kept.map(|(kind, _)| kind), sha256)? {
            // Another driver may answer otherwise.
            directory.unlink(&names.answer)?;
        }
        reached("install.answer.removed");
        directory.rename(&names.new_original, &names.original)?;
        // Two names of one file stay two when one is renamed over the other.
        directory.unlink(&names.new_original)?;
        directory.sync()?;
        reached("install.kept");
        Ok(true)
    }

    /// Whether the original that is kept is the same, put there once more.
    fn is_kept_content(
        &self,
        directory: &Directory,
        kept: Option<FileType>,
        sha256: Option<&str>,
    ) -> Result<bool, InstallError> {
        let names = &self.names;
        match (kept, sha256) {
            (Some(FileType::RegularFile), Some(sha256)) => {
                let Some((file, _)) = directory.open_file(&names.original)? else {
                    return Ok(false);
                };
                let kept = binary::sha256_of(file).map_err(|source| InstallError::Io {
                    action: "read",
                    path: directory.path_of(&names.original),
                    source,
                })?;
                Ok(kept.as_deref() == Some(sha256))
            }
            _ => Ok(false),
        }
    }
}
