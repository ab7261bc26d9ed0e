//! Looking at the record from outside: the daemon may be running, and is not
//! disturbed.

use std::io;
use std::path::Path;

use super::file::{RECORD, read};
use super::record::VolumeRecord;
use super::{RecordError, Refused};
use crate::durable_file::FileError;

/// What is recorded at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// The volumes, in the order of drivers and handles.
    pub records: Vec<VolumeRecord>,
    /// The files that are not trusted.
    pub refused: Vec<Refused>,
}

/// Reads the records in a directory, and changes nothing there. Without a
/// directory there are none. It blocks.
///
/// # Errors
/// The directory cannot be read.
pub fn look(directory: &Path, root: &Path) -> Result<Looked, RecordError> {
    let mut looked = Looked::default();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(looked),
        Err(error) => return Err(FileError::io("list", directory)(error).into()),
    };
    for entry in entries {
        let path = entry.map_err(FileError::io("list", directory))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(RECORD) {
            continue;
        }
        match read(&path, &name, root) {
            Ok(record) => looked.records.extend(record),
            Err(why) => looked.refused.push(Refused {
                file: path.clone(),
                why,
            }),
        }
    }
    looked
        .records
        .sort_by(|one, other| one.volume.cmp(&other.volume));
    looked
        .refused
        .sort_by(|one, other| one.file.cmp(&other.file));
    Ok(looked)
}
