//! The path of a socket, taken by one process.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdir, openat, unlinkat};
use rustix::io::Errno;

use super::lock::{Lock, Unlocked};
use super::occupant::{self, Identity};
use super::path::{LONGEST, beside};
use super::{SocketError, private};

/// What a missing directory is made with: kubelet's own for plugins
/// (pkg/kubelet/kubelet.go, v1.36, `setupDataDirs`).
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o750);

/// The path of a socket, which this process alone serves for as long as it has it.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    name: OsString,
    directory: OwnedFd,
    _lock: Lock,
    /// The socket that is there, if it is ours to remove: the one that was bound
    /// here, before that one that nobody serves.
    socket: Mutex<Option<Identity>>,
}

impl Place {
    /// Takes a path, where nothing is or a socket that nobody serves. Its
    /// directory is made where it is missing, though not the one above it: that
    /// one missing means a mistyped path.
    ///
    /// # Errors
    /// The path is too long, somebody serves it, something else is there, or the
    /// system refuses.
    pub fn claim(path: &Path) -> Result<Self, SocketError> {
        let owned = || path.to_owned();
        if path.as_os_str().len() > LONGEST {
            return Err(SocketError::TooLong { path: owned() });
        }
        let name = path
            .file_name()
            .ok_or_else(|| SocketError::NoName { path: owned() })?;
        let directory = directory_of(path).map_err(|error| SocketError::Directory {
            path: owned(),
            error,
        })?;
        let lock = match Lock::take(directory.as_fd(), &lock_name(name)) {
            Ok(lock) => lock,
            Err(Unlocked::Held(by)) => return Err(SocketError::Served { path: owned(), by }),
            Err(Unlocked::Failed(source)) => return Err(SocketError::io("lock", path, source)),
        };
        let socket = occupant::abandoned(directory.as_fd(), name, path).inspect_err(|_| {
            // Leave nothing where we have no business. If it stays, it does no harm.
            let _ = unlinkat(&directory, lock_name(name), AtFlags::empty());
        })?;
        Ok(Self {
            path: owned(),
            name: name.to_owned(),
            directory,
            _lock: lock,
            socket: Mutex::new(socket),
        })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a socket there, in place of the one that is.
    pub(super) fn bind(&self) -> Result<UnixListener, SocketError> {
        let (listener, identity) = private::bind(self.directory.as_fd(), &self.name)
            .map_err(|source| SocketError::io("make", &self.path, source))?;
        *self.socket() = Some(identity);
        Ok(listener)
    }

    /// Removes the socket, for uninstalling: kubelet takes a registration socket
    /// that goes for a driver that is gone. None being there is fine.
    ///
    /// # Errors
    /// Another socket has taken its place, or the system refuses.
    pub fn remove(&self) -> Result<(), SocketError> {
        let failed = |errno: Errno| SocketError::io("remove", &self.path, errno);
        let directory = self.directory.as_fd();
        let mut socket = self.socket();
        match Identity::at(directory, &self.name).map_err(failed)? {
            None => {}
            found if found == *socket => {
                unlinkat(directory, &self.name, AtFlags::empty()).map_err(failed)?;
            }
            Some(_) => {
                return Err(SocketError::NotOurs {
                    path: self.path.clone(),
                });
            }
        }
        *socket = None;
        match unlinkat(directory, lock_name(&self.name), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn socket(&self) -> MutexGuard<'_, Option<Identity>> {
        // Nothing panics while it is held, and any value of it is whole.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock_name(name: &OsStr) -> OsString {
    beside(name, ".lock")
}

fn directory_of(path: &Path) -> io::Result<OwnedFd> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(CWD, directory, flags, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return Ok(opened?),
    }
    match mkdir(directory, DIRECTORY_MODE) {
        // Another process was faster.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(openat(CWD, directory, flags, Mode::empty())?)
}
