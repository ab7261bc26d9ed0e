//! Owners, modes, times and extended attributes.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

/// The largest list and the largest value of extended attributes that Linux has.
const XATTR: usize = 64 << 10;

/// Gives an open file or directory what another has. In this order: a new owner
/// takes set-user-id and capabilities away, a new mode changes access lists.
pub(super) fn copy(from: BorrowedFd<'_>, stat: &Stat, to: BorrowedFd<'_>) -> io::Result<()> {
    let (owner, group) = owner(stat);
    rustix::fs::fchown(to, Some(owner), Some(group))?;
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.st_mode))?;
    copy_attributes(from, to)?;
    rustix::fs::futimens(to, &times(stat))?;
    Ok(())
}

/// The same for what cannot be opened: links, pipes, sockets and devices. These
/// have no attributes that users set.
pub(super) fn copy_named(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    let (owner, group) = owner(stat);
    let nofollow = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::chownat(directory, name, Some(owner), Some(group), nofollow)?;
    rustix::fs::utimensat(directory, name, &times(stat), nofollow)?;
    Ok(())
}

fn owner(stat: &Stat) -> (Uid, Gid) {
    (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid))
}

#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    reason = "the fields' types differ between architectures"
)]
fn times(stat: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds as _,
    };
    Timestamps {
        last_access: time(stat.st_atime.into(), stat.st_atime_nsec.into()),
        last_modification: time(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
    }
}

fn copy_attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    let mut names = Vec::with_capacity(XATTR);
    match rustix::fs::flistxattr(from, rustix::buffer::spare_capacity(&mut names)) {
        Err(Errno::OPNOTSUPP) => return Ok(()),
        listed => listed?,
    };
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = CString::new(name)?;
        let mut value = Vec::with_capacity(XATTR);
        match rustix::fs::fgetxattr(from, &name, rustix::buffer::spare_capacity(&mut value)) {
            // Taken away since the list was read.
            Err(Errno::NODATA) => continue,
            read => read?,
        };
        match rustix::fs::fsetxattr(to, &name, &value, XattrFlags::empty()) {
            // Those of the system are for root to set, and its policy's matter.
            Err(Errno::PERM | Errno::OPNOTSUPP) if !name.to_bytes().starts_with(b"user.") => {}
            set => set?,
        }
    }
    Ok(())
}
