//! What is at a path already.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::SocketError;

/// Which file a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    pub(super) fn at(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Self>, Errno> {
        Ok(stat_of(directory, name)?.as_ref().map(Self::of))
    }
}

fn stat_of(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Stat>, Errno> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The socket that is there, none if nothing is. It is an error if it is served,
/// or no socket.
pub(super) fn abandoned(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    path: &Path,
) -> Result<Option<Identity>, SocketError> {
    let found =
        stat_of(directory, name).map_err(|errno| SocketError::io("look at", path, errno))?;
    let Some(stat) = found else {
        return Ok(None);
    };
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => {
            let served =
                is_served(path).map_err(|errno| SocketError::io("connect to", path, errno));
            return if served? {
                Err(SocketError::Served {
                    path: path.to_owned(),
                    by: "another program".to_owned(),
                })
            } else {
                Ok(Some(Identity::of(&stat)))
            };
        }
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a pipe",
        _ => "a device",
    };
    Err(SocketError::NotASocket {
        path: path.to_owned(),
        what,
    })
}

/// Whether somebody listens on a socket: a program that knows nothing of our lock,
/// such as a sidecar that served this path until now.
fn is_served(path: &Path) -> Result<bool, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        // AGAIN: its queue is full.
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}
