//! Loop devices: files as block devices.
//!
//! They are attached with `losetup`, because their ioctls cannot be called
//! without `unsafe`, and found again by their file, which sysfs knows.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::error::Error;
use super::lock::Guard;
use super::program::Program;

const LOSETUP: Program = Program::new("losetup", "mount");

/// A loop device that has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoopDevice {
    path: PathBuf,
    readonly: bool,
}

impl LoopDevice {
    /// The devices of a file, by whomever they were attached.
    pub(super) fn of(image: &Path) -> Result<Vec<Self>, Error> {
        let sysfs = Path::new("/sys/block");
        let mut devices = Vec::new();
        for entry in sysfs.read_dir().map_err(Error::io("list", sysfs))? {
            let entry = entry.map_err(Error::io("list", sysfs))?;
            let backing = match std::fs::read(entry.path().join("loop/backing_file")) {
                Ok(backing) => backing,
                // No loop device, or one without a file, or gone since it was listed.
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(Error::io("look at", &entry.path())(error)),
            };
            let backing = backing.strip_suffix(b"\n").unwrap_or(&backing);
            let removed = backing.strip_suffix(b" (deleted)");
            if OsStr::from_bytes(backing) == image
                || removed.is_some_and(|backing| OsStr::from_bytes(backing) == image)
            {
                let readonly = match std::fs::read(entry.path().join("ro")) {
                    Ok(readonly) => readonly.starts_with(b"1"),
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(Error::io("look at", &entry.path())(error)),
                };
                devices.push(Self {
                    path: Path::new("/dev").join(entry.file_name()),
                    readonly,
                });
            }
        }
        Ok(devices)
    }

    /// The device of a file, attached if there is none yet. The guard is of
    /// the volume, so that nobody attaches a second one meanwhile.
    pub(super) fn attach(guard: &Guard, image: &Path, readonly: bool) -> Result<Self, Error> {
        if let Some(device) = Self::find(image, readonly)? {
            return Ok(device);
        }
        let mut args = vec![OsStr::new("--find"), OsStr::new("--show")];
        if readonly {
            args.push(OsStr::new("--read-only"));
        }
        args.push(image.as_os_str());
        let printed = LOSETUP.run(guard, image, args)?;
        Ok(Self {
            path: PathBuf::from(printed.trim_end()),
            readonly,
        })
    }

    /// The device of a file, if it is attached.
    pub(super) fn find(image: &Path, readonly: bool) -> Result<Option<Self>, Error> {
        let devices = Self::of(image)?;
        Ok(devices
            .into_iter()
            .find(|device| device.readonly == readonly))
    }

    /// Lets go of the file. Where something still has the device open, the
    /// kernel does it at the last close.
    pub(super) fn detach(&self, guard: &Guard) -> Result<(), Error> {
        LOSETUP
            .run(
                guard,
                &self.path,
                [OsStr::new("--detach"), self.path.as_os_str()],
            )
            .map(drop)
    }

    /// Lets go of a file on all its devices.
    pub(super) fn detach_all(guard: &Guard, image: &Path) -> Result<(), Error> {
        for device in Self::of(image)? {
            device.detach(guard)?;
        }
        Ok(())
    }

    /// Takes the size that the file has now.
    pub(super) fn resize(&self, guard: &Guard) -> Result<(), Error> {
        LOSETUP
            .run(
                guard,
                &self.path,
                [OsStr::new("--set-capacity"), self.path.as_os_str()],
            )
            .map(drop)
    }

    /// Whether a filesystem on it is mounted, in whichever mount namespace: the
    /// kernel lets nobody else have the device exclusively then.
    pub(super) fn is_mounted(&self) -> Result<bool, Error> {
        let exclusively = i32::try_from(OFlags::EXCL.bits()).unwrap_or_default();
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(exclusively)
            .open(&self.path);
        match opened {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(true),
            Err(error) => Err(Error::io("open", &self.path)(error)),
        }
    }

    /// Its node in `/dev`.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing can be written to it.
    pub(super) fn is_readonly(&self) -> bool {
        self.readonly
    }
}

fn is_gone(error: &io::Error) -> bool {
    // ENXIO: detached between open and read.
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) || error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}
