//! What volumes and snapshots hold: a directory each, or a file that is an image.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::Error;
use super::file_copy;
use super::filesystem;
use super::kind::Kind;
use super::lock::Guard;
use super::record_file::sync_directory_of;
use super::tree_copy;

/// Makes the contents of a new volume, where nothing is yet.
pub(super) fn make(guard: &Guard, kind: Kind, path: &Path, bytes: u64) -> Result<(), Error> {
    if kind.is_image() {
        let image = create_image(path)?;
        image.set_len(bytes).map_err(Error::io("enlarge", path))?;
        filesystem::make(guard, kind, path)?;
        image.sync_all().map_err(Error::io("sync", path))?;
    } else {
        std::fs::create_dir(path).map_err(Error::io("create", path))?;
        // For whichever user the workload runs as; nobody else gets to the
        // state directory.
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o777))
            .map_err(Error::io("open up", path))?;
    }
    sync_directory_of(path)
}

/// Copies contents to where nothing is yet.
pub(super) fn copy(kind: Kind, from: &Path, to: &Path) -> Result<(), Error> {
    if kind.is_image() {
        let source = File::open(from).map_err(Error::io("open", from))?;
        let image = create_image(to)?;
        file_copy::copy(&source, &image)
            .and_then(|()| image.sync_all())
            .map_err(Error::io("copy", from))?;
    } else {
        tree_copy::copy(from, to)
            .and_then(|()| tree_copy::sync(to))
            .map_err(Error::io("copy", from))?;
    }
    sync_directory_of(to)
}

/// Grows an image; one that is as large stays. A directory has no size.
pub(super) fn grow(kind: Kind, path: &Path, bytes: u64) -> Result<(), Error> {
    if !kind.is_image() {
        return Ok(());
    }
    let image = OpenOptions::new().write(true).open(path);
    let image = image.map_err(Error::io("open", path))?;
    let length = image.metadata().map_err(Error::io("look at", path))?.len();
    // Never shorter: that would cut data off.
    if length < bytes {
        image
            .set_len(bytes)
            .and_then(|()| image.sync_all())
            .map_err(Error::io("enlarge", path))?;
    }
    Ok(())
}

/// Removes contents, whole or half made.
pub(super) fn remove(kind: Kind, path: &Path) -> Result<(), Error> {
    let removed = if kind.is_image() {
        std::fs::remove_file(path)
    } else {
        // It follows no links, whatever a workload left there.
        std::fs::remove_dir_all(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// What is wrong with contents, if anything.
pub(super) fn condition(kind: Kind, path: &Path) -> Option<String> {
    match path.symlink_metadata() {
        Ok(metadata) if kind.is_image() && metadata.is_file() => None,
        Ok(metadata) if !kind.is_image() && metadata.is_dir() => None,
        Ok(_) => Some(format!("what holds its data is no {}", form(kind))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("the {} that holds its data is gone", form(kind)))
        }
        Err(error) => Some(format!("the {} that holds its data: {error}", form(kind))),
    }
}

fn form(kind: Kind) -> &'static str {
    if kind.is_image() { "file" } else { "directory" }
}

fn create_image(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("create", path))
}
