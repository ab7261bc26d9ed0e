//! The lock on a place: one daemon at a time.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags, fstat, openat};

use super::occupant::Identity;

/// A lock on a file, held until it is dropped. The file holds the process id of
/// whoever locked it last.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub(super) enum Unlocked {
    /// Somebody holds it.
    Held(String),
    /// A system call failed.
    Failed(io::Error),
}

impl<E: Into<io::Error>> From<E> for Unlocked {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Lock {
    /// Locks the file of this name, which is made where it is missing.
    pub(super) fn take(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Self, Unlocked> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let mut file = File::from(openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?);
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Unlocked::Held(holder(&mut file))),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // Who held it may have removed it between the two calls; another one is then the lock.
            if Identity::at(directory, name)? == Some(Identity::of(&fstat(&file)?)) {
                file.set_len(0)?;
                writeln!(file, "{}", std::process::id())?;
                return Ok(Self { _file: file });
            }
        }
    }
}

/// The process that holds a lock. Process ids are those of its own namespace.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".to_owned(),
    }
}
