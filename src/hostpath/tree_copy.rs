//! Copies of directories with all that is in them.
//!
//! What is copied may be in use by a workload that means ill: everything is
//! opened from its directory and no link is followed, so that nothing from
//! outside the tree ever gets into the copy.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::file_copy;

mod metadata;

#[cfg(test)]
mod tests;

/// How deep a tree may be: each level keeps three files open.
const DEEPEST: usize = 256;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A directory that is being copied.
struct Level {
    entries: Dir,
    from: OwnedFd,
    to: OwnedFd,
    /// Its path in the copy, ending in `/`; empty at the top.
    path: Vec<u8>,
}

/// A copy in progress.
struct Copy {
    levels: Vec<Level>,
    top: OwnedFd,
    /// Where the first name of a file with several names is in the copy.
    links: HashMap<(u64, u64), CString>,
}

/// Copies a directory to where nothing is yet: files (by reference where the
/// filesystem can), directories, links of both sorts, pipes, sockets and
/// devices, with owners, modes, times and extended attributes. What vanishes
/// meanwhile is left out.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let from = rustix::fs::openat(CWD, from, DIRECTORY, Mode::empty())?;
    rustix::fs::mkdirat(CWD, to, Mode::RWXU)?;
    let to = rustix::fs::openat(CWD, to, DIRECTORY, Mode::empty())?;
    let mut copy = Copy {
        top: to.try_clone()?,
        levels: Vec::new(),
        links: HashMap::new(),
    };
    copy.enter(from, to, Vec::new())?;
    while let Some(level) = copy.levels.last_mut() {
        match level.entries.read() {
            Some(entry) => {
                let name = entry?.file_name().to_owned();
                if name.as_bytes() != b"." && name.as_bytes() != b".." {
                    copy.entry(&name)?;
                }
            }
            None => copy.leave()?,
        }
    }
    Ok(())
}

impl Copy {
    fn enter(&mut self, from: OwnedFd, to: OwnedFd, path: Vec<u8>) -> io::Result<()> {
        if self.levels.len() == DEEPEST {
            return Err(io::Error::other(format!(
                "directories are nested deeper than {DEEPEST} levels"
            )));
        }
        self.levels.push(Level {
            entries: Dir::read_from(&from)?,
            from,
            to,
            path,
        });
        Ok(())
    }

    // Metadata last: writing into a directory changes its times, and may not be
    // allowed by its mode.
    fn leave(&mut self) -> io::Result<()> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        let stat = rustix::fs::fstat(&level.from)?;
        metadata::copy(level.from.as_fd(), &stat, level.to.as_fd())
    }

    fn entry(&mut self, name: &CStr) -> io::Result<()> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let stat = match rustix::fs::statat(&level.from, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            stat => stat?,
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            return self.directory(name);
        }
        let identity = (stat.st_dev, stat.st_ino);
        if stat.st_nlink > 1
            && let Some(first) = self.links.get(&identity)
        {
            rustix::fs::linkat(&self.top, first, &level.to, name, AtFlags::empty())?;
            return Ok(());
        }
        let copied = match kind {
            FileType::RegularFile => file(level, name),
            FileType::Symlink => symlink(level, name, &stat),
            _ => special(level, name, &stat, kind),
        };
        match copied {
            // It vanished, or another came in its place, since it was listed.
            Err(error) if is_changed(&error) => return Ok(()),
            copied => copied?,
        }
        if stat.st_nlink > 1 {
            let path = [&level.path, name.to_bytes()].concat();
            self.links.insert(identity, CString::new(path)?);
        }
        Ok(())
    }

    fn directory(&mut self, name: &CStr) -> io::Result<()> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let from = match rustix::fs::openat(&level.from, name, DIRECTORY, Mode::empty()) {
            Err(error) if is_changed(&error.into()) => return Ok(()),
            from => from?,
        };
        rustix::fs::mkdirat(&level.to, name, Mode::RWXU)?;
        let to = rustix::fs::openat(&level.to, name, DIRECTORY, Mode::empty())?;
        let path = [&level.path, name.to_bytes(), b"/"].concat();
        self.enter(from, to, path)
    }
}

fn is_changed(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOENT | Errno::LOOP | Errno::NOTDIR))
}

fn file(level: &Level, name: &CStr) -> io::Result<()> {
    // Not blocking: a pipe may have come in the file's place.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let from = File::from(rustix::fs::openat(&level.from, name, flags, Mode::empty())?);
    let stat = rustix::fs::fstat(&from)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::NOENT.into());
    }
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let to = File::from(rustix::fs::openat(&level.to, name, flags, mode)?);
    file_copy::copy(&from, &to)?;
    metadata::copy(from.as_fd(), &stat, to.as_fd())
}

fn symlink(level: &Level, name: &CStr, stat: &Stat) -> io::Result<()> {
    let target = rustix::fs::readlinkat(&level.from, name, Vec::new())?;
    rustix::fs::symlinkat(target.as_c_str(), &level.to, name)?;
    metadata::copy_named(level.to.as_fd(), name, stat)
}

fn special(level: &Level, name: &CStr, stat: &Stat, kind: FileType) -> io::Result<()> {
    let mode = Mode::from_raw_mode(stat.st_mode);
    rustix::fs::mknodat(&level.to, name, kind, mode, stat.st_rdev)?;
    metadata::copy_named(level.to.as_fd(), name, stat)?;
    rustix::fs::chmodat(&level.to, name, mode, AtFlags::empty())?;
    Ok(())
}

/// Makes all that was copied to a filesystem last.
pub(super) fn sync(copied: &Path) -> io::Result<()> {
    let top = rustix::fs::openat(CWD, copied, DIRECTORY, Mode::empty())?;
    Ok(rustix::fs::syncfs(top)?)
}
