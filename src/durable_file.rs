//! Small JSON files that are always whole, whenever we die, and that are there,
//! or gone, after a power cut too.
//!
//! All of this waits for a disk: it belongs where nothing else waits.

use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
mod tests;

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 1 << 20;

/// What a file is called until it is whole.
const PARTIAL: &str = "partial";

/// Why a file is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refuses.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// As `open`.
        doing: &'static str,
        /// The file, or its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It has what we did not write.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl FileError {
    /// A failed system call, for `map_err`.
    pub fn io<E: Into<io::Error>>(doing: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

/// Reads a file: none is there, or a whole one. Links are not followed, and what
/// is no file, as a pipe, is not waited for.
///
/// # Errors
/// It cannot be read, is too large, or is not the JSON of a `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let damaged = |why: String| FileError::Damaged {
        path: path.to_owned(),
        why,
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(damaged("it is a link".to_owned()));
        }
        Err(error) => return Err(FileError::io("open", path)(error)),
    };
    let about = file.metadata().map_err(FileError::io("look at", path))?;
    if !about.is_file() {
        return Err(damaged("it is no file".to_owned()));
    }
    if about.len() > LARGEST {
        return Err(damaged(format!("it has {} bytes", about.len())));
    }
    let mut text = Vec::new();
    let mut file = file.take(LARGEST);
    file.read_to_end(&mut text)
        .map_err(FileError::io("read", path))?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| damaged(error.to_string()))
}

/// Writes a file durably: a new one, mode 0600, synced, renamed over the old one,
/// and the directory synced. Whoever calls sees to it that nobody else writes the
/// same file meanwhile; what a crash left is removed.
///
/// # Errors
/// It cannot be written; the old one is then still there.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| FileError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let partial = path.with_extension(PARTIAL);
    remove_file(&partial)?;
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&partial)
        .map_err(FileError::io("create", &partial))?;
    let written = file
        .write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(FileError::io("write", &partial))
        .and_then(|()| std::fs::rename(&partial, path).map_err(FileError::io("rename to", path)));
    if let Err(error) = written {
        // On a full disk it would be in the way of whatever frees space.
        let _ = std::fs::remove_file(&partial);
        return Err(error);
    }
    sync_directory_of(path)
}

/// Writes a file durably where none is; gives whether it did.
///
/// # Errors
/// It cannot be written.
pub fn write_new<T: Serialize>(path: &Path, value: &T) -> Result<bool, FileError> {
    let directory = directory_of(path);
    let written = || -> io::Result<bool> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer(&mut file, value)?;
        file.flush()?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    };
    let is_new = written().map_err(FileError::io("write", path))?;
    if is_new {
        sync_directory_of(path)?;
    }
    Ok(is_new)
}

/// Removes a file durably.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), FileError> {
    if remove_file(path)? {
        sync_directory_of(path)?;
    }
    Ok(())
}

/// Makes what was created, renamed or removed beside a path last.
///
/// # Errors
/// The directory cannot be synced.
pub fn sync_directory_of(path: &Path) -> Result<(), FileError> {
    let directory = directory_of(path);
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(FileError::io("sync", directory))
}

/// Makes a directory and those above it, so that they stay.
///
/// # Errors
/// One cannot be made.
pub fn make_directory(directory: &Path) -> Result<(), FileError> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = directory_of(directory);
    if above != directory {
        make_directory(above)?;
    }
    match std::fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(FileError::io("create", directory)(error));
        }
        _ => {}
    }
    sync_directory_of(directory)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// Gives whether it was there.
fn remove_file(path: &Path) -> Result<bool, FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::io("remove", path)(error)),
        Ok(()) => Ok(true),
    }
}
