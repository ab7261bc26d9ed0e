//! A directory that is worked in by name alone: what it is called may change
//! hands meanwhile.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fchmod, fstat, fsync, linkat, mkdirat, openat,
    readlinkat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::InstallError;
use super::stamp::Stamp;

/// What kubelet has to be able to run.
pub(super) const EXECUTABLE: Mode = Mode::from_raw_mode(0o755);
/// What the exec binary reads.
pub(super) const READABLE: Mode = Mode::from_raw_mode(0o644);

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory; its path may be a link.
    pub fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            fd: openat(CWD, path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens a directory in it, which must be a real one.
    pub fn open_in(&self, name: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            fd: openat(&self.fd, name, flags, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn as_fd(&self) -> impl AsFd + '_ {
        self.fd.as_fd()
    }

    /// What stands at a name; a link itself.
    pub fn look(&self, name: &str) -> Result<Option<(FileType, Stamp)>, InstallError> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some((
                FileType::from_raw_mode(stat.st_mode),
                Stamp::of(&stat),
            ))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("look at", name)(errno)),
        }
    }

    /// Opens a plain file to read it, and only that.
    pub fn open_file(&self, name: &str) -> Result<Option<(File, Stamp)>, InstallError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.failed("open", name)(errno)),
        };
        let stat = fstat(&fd).map_err(self.failed("look at", name))?;
        Ok(Some((File::from(fd), Stamp::of(&stat))))
    }

    /// A short file's text; none where there is no such file, or it is no short text.
    pub fn read(&self, name: &str, longest: u64) -> Result<Option<String>, InstallError> {
        match self.look(name)? {
            Some((FileType::RegularFile, _)) => {}
            _ => return Ok(None),
        }
        let Some((file, _)) = self.open_file(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(longest + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| InstallError::Io {
                action: "read",
                path: self.path_of(name),
                source,
            })?;
        if bytes.len() as u64 > longest {
            return Ok(None);
        }
        Ok(String::from_utf8(bytes).ok())
    }

    /// Where a link leads.
    pub fn link_target(&self, name: &str) -> Result<Vec<u8>, InstallError> {
        let target = readlinkat(&self.fd, name, Vec::new());
        Ok(target
            .map_err(self.failed("read the link", name))?
            .into_bytes())
    }

    /// Writes a file durably, but for the directory; what was there is removed.
    pub fn write(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<Stamp, InstallError> {
        self.unlink(name)?;
        let written = self.write_new(name, bytes, mode);
        if written.is_err() {
            // A full disk gets its room back; the error is the first one.
            let _ = self.unlink(name);
        }
        written
    }

    fn write_new(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<Stamp, InstallError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(self.failed("create", name))?;
        let mut file = File::from(fd);
        file.write_all(bytes).map_err(|source| InstallError::Io {
            action: "write",
            path: self.path_of(name),
            source,
        })?;
        // Not by the mask of this process.
        fchmod(&file, mode).map_err(self.failed("chmod", name))?;
        fsync(&file).map_err(self.failed("sync", name))?;
        let stat = fstat(&file).map_err(self.failed("look at", name))?;
        Ok(Stamp::of(&stat))
    }

    /// Gives a file, or a link, a second name.
    pub fn link(&self, from: &str, to: &str) -> Result<(), InstallError> {
        linkat(&self.fd, from, &self.fd, to, AtFlags::empty()).map_err(self.failed("link to", to))
    }

    /// Renames over what is there.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), InstallError> {
        renameat(&self.fd, from, &self.fd, to).map_err(self.failed("rename to", to))
    }

    /// Renames a directory in it. Gives whether it could: a directory that is
    /// not empty stays.
    pub fn rename_directory(&self, from: &str, to: &str) -> Result<bool, InstallError> {
        match renameat(&self.fd, from, &self.fd, to) {
            Ok(()) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(self.failed("rename to", to)(errno)),
        }
    }

    pub fn make_directory(&self, name: &str) -> Result<Self, InstallError> {
        mkdirat(&self.fd, name, EXECUTABLE).map_err(self.failed("create", name))?;
        let made = self.open_in(name).map_err(self.failed("open", name))?;
        fchmod(&made.fd, EXECUTABLE).map_err(self.failed("chmod", name))?;
        Ok(made)
    }

    /// Removes a file. Gives whether it was there.
    pub fn unlink(&self, name: &str) -> Result<bool, InstallError> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            // Said of what is not there too.
            Err(Errno::ROFS) if self.look(name)?.is_none() => Ok(false),
            Err(errno) => Err(self.failed("remove", name)(errno)),
        }
    }

    /// Removes a directory in it, unless something is in that. Gives whether it is gone.
    pub fn remove_empty(&self, name: &str) -> Result<bool, InstallError> {
        match unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.failed("remove", name)(errno)),
        }
    }

    /// The names of what is in it, but for names that are no text.
    pub fn names(&self) -> Result<Vec<String>, InstallError> {
        let read = || {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.fd)? {
                let entry = entry?;
                match entry.file_name().to_str() {
                    Ok("." | "..") | Err(_) => {}
                    Ok(name) => names.push(name.to_owned()),
                }
            }
            Ok(names)
        };
        read().map_err(InstallError::io("list", &self.path))
    }

    /// Makes what was renamed in it last.
    pub fn sync(&self) -> Result<(), InstallError> {
        fsync(&self.fd).map_err(InstallError::io("sync", &self.path))
    }

    fn failed(&self, action: &'static str, name: &str) -> impl FnOnce(Errno) -> InstallError {
        InstallError::io(action, self.path_of(name))
    }
}

/// What something is that is not what it has to be.
pub(super) fn called(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Socket => "a socket",
        FileType::Fifo => "a pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "a file of an unknown kind",
    }
}
