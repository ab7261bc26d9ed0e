//! One call at a time on one volume, snapshot or group: over all processes that
//! share a state directory.
//!
//! A lock is a `flock` on a file of its own. It goes with the last process that
//! holds it, so that nothing is left locked by a crash; and a program that works
//! for a call inherits it as its standard input, so that nobody takes over
//! while a `mkfs` that outlived its server is still writing.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::error::Error;
use super::id::{Id, Object};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    file: File,
    path: PathBuf,
}

/// Whether others may hold the lock as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// To change something.
    Exclusive,
    /// To read what must not change meanwhile.
    Shared,
}

impl Guard {
    /// Takes the lock, or says that another has it.
    pub(super) fn take(path: &Path, share: Share, object: Object, id: &Id) -> Result<Self, Error> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .mode(0o600)
                .open(path)
                .map_err(Error::io("open", path))?;
            let taken = match share {
                Share::Exclusive => file.try_lock(),
                Share::Shared => file.try_lock_shared(),
            };
            match taken {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Busy {
                        object,
                        id: id.clone(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
            }
            // Whoever held it before us may have removed it with what it was for.
            if is_at(&file, path)? {
                return Ok(Self {
                    file,
                    path: path.to_owned(),
                });
            }
        }
    }

    /// Lets go of a lock of what is no more.
    pub(super) fn retire(self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The lock as a program's standard input, which is empty.
    pub(super) fn stdin(&self) -> Result<Stdio, Error> {
        let file = self.file.try_clone();
        Ok(file.map_err(Error::io("share", &self.path))?.into())
    }
}

fn is_at(file: &File, path: &Path) -> Result<bool, Error> {
    let held = file.metadata().map_err(Error::io("look at", path))?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path, share: Share) -> Result<Guard, Error> {
        let id = Id::of_name(Object::Volume, "x");
        Guard::take(path, share, Object::Volume, &id)
    }

    #[test]
    fn a_second_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, Share::Exclusive).unwrap();
        for share in [Share::Exclusive, Share::Shared] {
            assert!(matches!(take(&path, share), Err(Error::Busy { .. })));
        }
        drop(held);
        let readers = [take(&path, Share::Shared), take(&path, Share::Shared)];
        assert!(readers.iter().all(Result::is_ok));
        assert!(matches!(
            take(&path, Share::Exclusive),
            Err(Error::Busy { .. })
        ));
    }

    #[test]
    fn a_removed_lock_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, Share::Exclusive).unwrap();
        std::fs::remove_file(&path).unwrap();
        let next = take(&path, Share::Exclusive).unwrap();
        assert!(!is_at(&held.file, &path).unwrap());
        assert!(is_at(&next.file, &path).unwrap());
        next.retire().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_program_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, Share::Exclusive).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .stdin(held.stdin().unwrap())
            .spawn()
            .unwrap();
        drop(held);
        let busy = take(&path, Share::Exclusive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(busy, Err(Error::Busy { .. })));
        assert!(take(&path, Share::Exclusive).is_ok());
    }
}
