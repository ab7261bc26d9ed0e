//! Making a socket that is private before anybody can find it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::occupant::Identity;
use super::path::beside;

/// The socket's name in the hidden directory. With a dot, like the directory's:
/// kubelet overlooks it even when it starts to watch right then.
const HIDDEN: &str = ".s";

/// Binds a socket of mode 0600 to a name in a directory. It is made in a hidden
/// directory of mode 0700 beside it and renamed, listening already: at no moment
/// can others open it, and a socket that was there is there until this one is.
///
/// The caller holds the lock of the place: what is left in the hidden directory
/// is of a process that died here.
pub(super) fn bind(
    directory: BorrowedFd<'_>,
    name: &OsStr,
) -> io::Result<(UnixListener, Identity)> {
    let hidden = beside(name, ".new");
    clear(directory, &hidden)?;
    mkdirat(directory, &hidden, Mode::RWXU)?;
    let bound = open(directory, &hidden)
        .map_err(io::Error::from)
        .and_then(|hidden| {
            let bound = bind_hidden(hidden.as_fd())?;
            renameat(&hidden, HIDDEN, directory, name)?;
            Ok(bound)
        });
    // An empty directory with a dot does no harm; the next time clears it.
    let _ = clear(directory, &hidden);
    bound
}

fn bind_hidden(hidden: BorrowedFd<'_>) -> io::Result<(UnixListener, Identity)> {
    // There is no bindat(2). This path stays short, whatever the directory's own is.
    let path = format!("/proc/self/fd/{}/{HIDDEN}", hidden.as_raw_fd());
    let listener = UnixListener::bind(path)?;
    chmodat(hidden, HIDDEN, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
    let identity = Identity::of(&statat(hidden, HIDDEN, AtFlags::SYMLINK_NOFOLLOW)?);
    Ok((listener, identity))
}

fn open(directory: BorrowedFd<'_>, hidden: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, hidden, flags, Mode::empty())
}

/// Removes a hidden directory, if it is there.
fn clear(directory: BorrowedFd<'_>, hidden: &OsStr) -> Result<(), Errno> {
    match open(directory, hidden) {
        Err(Errno::NOENT) => return Ok(()),
        opened => match unlinkat(opened?, HIDDEN, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        },
    }
    unlinkat(directory, hidden, AtFlags::REMOVEDIR)
}
