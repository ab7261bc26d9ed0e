//! The exec binary that is installed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flex2csi_translators::digest::{hex, sha256_hex};
use sha2::{Digest, Sha256};

use super::InstallError;
use super::stamp::Stamp;

/// No exec binary is longer (bytes); what is, is somebody else's.
pub(super) const LARGEST: u64 = 64 << 20;

/// The exec binary.
#[derive(Debug)]
pub(super) struct Binary {
    /// What is to stand in the plugin directory.
    pub bytes: Vec<u8>,
    /// What it was read from.
    pub source: Source,
}

/// The file of an exec binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The hash of its content, in hex.
    pub sha256: String,
    /// When it was read.
    pub stamp: Stamp,
}

impl Binary {
    /// Reads the exec binary.
    pub fn read(path: &Path) -> Result<Self, InstallError> {
        let unusable = |why: String| InstallError::ExecBinary {
            path: PathBuf::from(path),
            why,
        };
        let failed = |error: io::Error| unusable(error.to_string());
        let stat = rustix::fs::stat(path).map_err(|errno| failed(errno.into()))?;
        // Opening anything else could wait for somebody.
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(unusable("it is no file".into()));
        }
        let file = File::open(path).map_err(failed)?;
        let stamp = Stamp::of(&rustix::fs::fstat(&file).map_err(|errno| failed(errno.into()))?);
        let mut bytes = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.is_empty() {
            return Err(unusable("it is empty".into()));
        }
        if bytes.len() as u64 > LARGEST {
            return Err(unusable(format!("it has more than {LARGEST} bytes")));
        }
        let sha256 = sha256_hex(&bytes);
        Ok(Self {
            bytes,
            source: Source { sha256, stamp },
        })
    }
}

/// The hash of a file's content, in hex; none of one that is too long to be ours.
pub(super) fn sha256_of(file: File) -> io::Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut limited = file.take(LARGEST + 1);
    let mut buffer = vec![0; 64 << 10];
    let mut length = 0u64;
    loop {
        match limited.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((length <= LARGEST).then(|| hex(hash.finalize())))
}
