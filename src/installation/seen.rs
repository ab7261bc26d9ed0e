//! What an installation looked like when all was well.

use super::InstallError;
use super::binary::Source;
use super::directory::Directory;
use super::names::Names;
use super::stamp::Stamp;

/// The files of an installation, and the exec binary that it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    source: Stamp,
    files: Vec<Option<Stamp>>,
}

impl Seen {
    /// What is to be seen now; nothing while a further change might not be.
    pub fn of(
        directory: &Directory,
        names: &Names,
        source: Option<&Source>,
    ) -> Result<Option<Self>, InstallError> {
        let Some(source) = source else {
            return Ok(None);
        };
        let now = Self::now(directory, names, source.stamp)?;
        let settled = |stamp: &Option<Stamp>| stamp.is_none_or(|stamp| stamp.is_settled());
        Ok((now.source.is_settled() && now.files.iter().all(settled)).then_some(now))
    }

    /// What is to be seen now.
    pub fn now(directory: &Directory, names: &Names, source: Stamp) -> Result<Self, InstallError> {
        let look = |name: &String| Ok(directory.look(name)?.map(|(_, stamp)| stamp));
        let files = [&names.executable, &names.installed, &names.original].map(look);
        Ok(Self {
            source,
            files: files.into_iter().collect::<Result<_, InstallError>>()?,
        })
    }
}
