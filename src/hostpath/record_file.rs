//! Records in durable files, with this driver's errors.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::durable_file::{self, FileError};

/// Reads a record; none is there, or a whole one.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    Ok(durable_file::read(path)?)
}

/// Writes a record durably. Whoever calls holds the lock of what is recorded, so
/// that nobody else writes the new file.
pub(super) fn write<T: Serialize>(path: &Path, record: &T) -> Result<(), Error> {
    Ok(durable_file::write(path, record)?)
}

/// Removes a record durably.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    Ok(durable_file::remove(path)?)
}

/// Makes what was created, renamed or removed beside a path last.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), Error> {
    Ok(durable_file::sync_directory_of(path)?)
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io {
                doing,
                path,
                source,
            } => Self::Io {
                doing,
                path,
                source,
            },
            FileError::Damaged { path, why } => Self::Record { path, why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_record_is_no_missing_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        for text in ["", "{", "[1] x"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(read::<Vec<u8>>(&path), Err(Error::Record { .. })));
        }
    }
}
