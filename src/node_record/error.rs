//! Why a record cannot be used or kept.

use std::path::PathBuf;

use crate::durable_file::FileError;

/// Why a record cannot be used or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A record is not as we write it, so its volume is left alone.
    #[error(
        "the record {} cannot be trusted: {why}; nothing is done with its volume until the file \
         is put right, or removed when nothing of the volume is mounted on this node",
        file.display()
    )]
    Refused {
        /// The record.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory of records is somebody else's.
    #[error(
        "the directory of records {} {why}; give it to the user of this daemon alone",
        directory.display()
    )]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another volume has the target.
    #[error("{} is recorded as the target of another volume, {driver} {handle}", target.display())]
    OtherVolume {
        /// The target.
        target: PathBuf,
        /// The other volume's CSI driver.
        driver: String,
        /// The other volume's handle.
        handle: String,
    },
    /// It cannot be written or removed.
    #[error("what is mounted cannot be recorded, so nothing is done: {0}")]
    File(#[from] FileError),
    /// The work broke off.
    #[error("what is mounted cannot be recorded: {0}")]
    BrokeOff(String),
}
