//! The group that a mounted volume is for (fsGroup, where kubelet leaves it to
//! the driver).

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use crate::hostpath::capability::{Access, Capability};
use crate::hostpath::error::Error;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What the group may do with files, and with directories: as kubelet does it
/// (kubernetes 1.36, pkg/volume/volume_linux.go, `rwMask`, `execMask`).
const ON_FILES: Mode = Mode::RUSR
    .union(Mode::WUSR)
    .union(Mode::RGRP)
    .union(Mode::WGRP);
const ON_DIRECTORIES: Mode = ON_FILES
    .union(Mode::XUSR)
    .union(Mode::XGRP)
    .union(Mode::SGID);

/// The group that a capability names.
pub(super) fn of(capability: &Capability) -> Result<Option<Gid>, Error> {
    match &capability.access {
        Access::Mount { group, .. } if !group.is_empty() => {
            let number = group.parse().ok().filter(|number| *number != u32::MAX);
            let number = number.ok_or_else(|| {
                Error::invalid("volume_mount_group", format!("{group:?} is no group id"))
            })?;
            Ok(Some(Gid::from_raw(number)))
        }
        _ => Ok(None),
    }
}

/// Gives all of a tree to a group, unless its top is the group's already, or
/// nothing can be written there. No link is followed.
pub(super) fn give(top: &Path, group: Option<Gid>) -> Result<(), Error> {
    match group {
        None => Ok(()),
        Some(group) => give_tree(top, group).map_err(Error::io("give to a group", top)),
    }
}

fn give_tree(top: &Path, group: Gid) -> io::Result<()> {
    let top = rustix::fs::openat(CWD, top, DIRECTORY, Mode::empty())?;
    if rustix::fs::fstatvfs(&top)?
        .f_flag
        .contains(StatVfsMountFlags::RDONLY)
    {
        return Ok(());
    }
    let stat = rustix::fs::fstat(&top)?;
    if stat.st_gid == group.as_raw() && Mode::from_raw_mode(stat.st_mode).contains(ON_DIRECTORIES) {
        return Ok(());
    }
    let mut levels = vec![(Dir::read_from(&top)?, top)];
    while let Some((entries, directory)) = levels.last_mut() {
        match entries.read() {
            Some(entry) => {
                let name = entry?.file_name().to_owned();
                if name.as_bytes() == b"." || name.as_bytes() == b".." {
                    continue;
                }
                if let Some(below) = give_entry(directory, &name, group)? {
                    levels.push((Dir::read_from(&below)?, below));
                }
            }
            // The directory itself last, so that the top says when all is done.
            None => {
                give_open(directory, ON_DIRECTORIES, group)?;
                levels.pop();
            }
        }
    }
    Ok(())
}

/// Gives an entry that is no directory; opens one that is.
fn give_entry(directory: &OwnedFd, name: &CStr, group: Gid) -> io::Result<Option<OwnedFd>> {
    let stat = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let below = rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())?;
            Ok(Some(below))
        }
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
            give_open(&file, ON_FILES, group)?;
            Ok(None)
        }
        _ => {
            let nofollow = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(directory, name, None, Some(group), nofollow)?;
            Ok(None)
        }
    }
}

fn give_open(file: &OwnedFd, more: Mode, group: Gid) -> io::Result<()> {
    let stat = rustix::fs::fstat(file)?;
    rustix::fs::fchown(file, None, Some(group))?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(stat.st_mode) | more)?;
    Ok(())
}
