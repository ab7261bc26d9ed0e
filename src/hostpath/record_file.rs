//! One JSON file that is always whole, whenever we die.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;

/// The largest record that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads a record; none is there, or a whole one.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let damaged = |why: String| Error::Record {
        path: path.to_owned(),
        why,
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    let length = file.metadata().map_err(Error::io("look at", path))?.len();
    if length > LARGEST {
        return Err(damaged(format!("it has {length} bytes")));
    }
    let text = io::read_to_string(file).map_err(Error::io("read", path))?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| damaged(error.to_string()))
}

/// Writes a record durably: a new file, synced, renamed over the old one, and
/// the directory synced. Whoever calls holds the lock of what is recorded, so
/// that nobody else writes the new file, and one that a crash left is removed.
pub(super) fn write<T: Serialize>(path: &Path, record: &T) -> Result<(), Error> {
    let partial = path.with_extension("partial");
    let text = serde_json::to_vec_pretty(record).map_err(|error| Error::Record {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    remove_file(&partial)?;
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&partial)
        .map_err(Error::io("create", &partial))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(Error::io("write", &partial))?;
    std::fs::rename(&partial, path).map_err(Error::io("rename to", path))?;
    sync_directory_of(path)
}

/// Removes a record durably.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    if remove_file(path)? {
        sync_directory_of(path)?;
    }
    Ok(())
}

/// Gives whether it was there.
fn remove_file(path: &Path) -> Result<bool, Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove", path)(error)),
        Ok(()) => Ok(true),
    }
}

/// Makes what was created, renamed or removed beside a path last.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), Error> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::io("sync", directory))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_record_is_private_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
        std::fs::write(
            path.with_extension("partial"),
            "left by a crash, and longer",
        )
        .unwrap();
        write(&path, &vec![1u8, 2]).unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![1, 2]));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }

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
