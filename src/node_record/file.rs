//! A record's file, and the directory of them all: trusted if only we can have
//! written it.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use serde_json::value::RawValue;

use super::RecordError;
use super::place::distrust;
use super::record::{VERSION, VolumeRecord};
use crate::durable_file::{self, FileError};

/// How the names of records end.
pub(super) const RECORD: &str = ".json";

/// A record, if it is there and to be trusted.
pub(super) fn read(path: &Path, name: &str, root: &Path) -> Result<Option<VolumeRecord>, String> {
    let about = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about.map_err(|error| error.to_string())?,
    };
    if about.is_file() {
        check_private(&about)?;
    }
    let text = durable_file::read::<Box<RawValue>>(path);
    let Some(text) = text.map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    if !text.get().starts_with('{') {
        return Err("it is damaged: it is no JSON object".to_owned());
    }
    match VolumeRecord::version_of(text.get()) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => {
            return Err(format!(
                "it is of version {version}, which a later flex2csi has written"
            ));
        }
        None => return Err("it has no version".to_owned()),
    }
    let record = serde_json::from_str(text.get());
    let record: VolumeRecord = record.map_err(|error| error.to_string())?;
    match distrust(&record, name, root) {
        None => Ok(Some(record)),
        Some(why) => Err(why),
    }
}

/// Makes the directory of the records, which nobody else may look into.
///
/// # Errors
/// It cannot be made, or is somebody else's.
pub(super) fn make_private(directory: &Path) -> Result<(), RecordError> {
    if let Some(above) = directory.parent() {
        durable_file::make_directory(above)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => durable_file::sync_directory_of(directory)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileError::io("create", directory)(error).into()),
    }
    let about = directory.symlink_metadata();
    let about = about.map_err(FileError::io("look at", directory))?;
    let wrong = if about.is_dir() {
        check_private(&about)
    } else {
        Err("is no directory".to_owned())
    };
    wrong.map_err(|why| RecordError::Directory {
        directory: directory.to_owned(),
        why,
    })
}

/// Whether only we can have written something.
fn check_private(about: &std::fs::Metadata) -> Result<(), String> {
    let ours = rustix::process::geteuid().as_raw();
    if about.uid() != ours && about.uid() != 0 {
        return Err(format!("belongs to the user {}", about.uid()));
    }
    if about.mode() & 0o022 != 0 {
        return Err("can be written by others".to_owned());
    }
    Ok(())
}
