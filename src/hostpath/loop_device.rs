//! Loop devices: files as block devices.
//!
//! They are attached with `losetup`, because their ioctls cannot be called
//! without `unsafe`, and found again by their file, which sysfs knows.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::error::Error;
use super::lock::Guard;
use super::program::Program;

const LOSETUP: Program = Program::new("losetup", "mount");

/// How long it is waited for a device that the kernel lets go of as soon as
/// nobody has it open: udev, and every `losetup --find`, look at each for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A loop device that has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoopDevice {
    path: PathBuf,
    readonly: bool,
    /// The kernel lets go of the file when nobody has the device open any more.
    is_leaving: bool,
}

/// A loop device that we have open: meanwhile it keeps its file, and nobody
/// gets it for another one.
#[derive(Debug)]
pub(super) struct Held {
    device: LoopDevice,
    _open: File,
}

impl Deref for Held {
    type Target = LoopDevice;

    fn deref(&self) -> &LoopDevice {
        &self.device
    }
}

impl LoopDevice {
    /// The devices of a file, by whomever they were attached.
    pub(super) fn of(image: &Path) -> Result<Vec<Self>, Error> {
        let sysfs = Path::new("/sys/block");
        let mut devices = Vec::new();
        for entry in sysfs.read_dir().map_err(Error::io("list", sysfs))? {
            let entry = entry.map_err(Error::io("list", sysfs))?;
            match Self::in_sysfs(&entry.path(), &entry.file_name(), image) {
                Ok(device) => devices.extend(device),
                // No loop device, or one without a file, or gone since it was listed.
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(Error::io("look at", &entry.path())(error)),
            }
        }
        Ok(devices)
    }

    fn in_sysfs(directory: &Path, name: &OsStr, image: &Path) -> io::Result<Option<Self>> {
        let backing = std::fs::read(directory.join("loop/backing_file"))?;
        let backing = backing.strip_suffix(b"\n").unwrap_or(&backing);
        let is_image = |backing: &[u8]| OsStr::from_bytes(backing) == image;
        let removed = backing.strip_suffix(b" (deleted)");
        if !is_image(backing) && !removed.is_some_and(is_image) {
            return Ok(None);
        }
        let is_set =
            |file: &str| Ok::<_, io::Error>(std::fs::read(directory.join(file))?.starts_with(b"1"));
        Ok(Some(Self {
            path: Path::new("/dev").join(name),
            readonly: is_set("ro")?,
            is_leaving: is_set("loop/autoclear")?,
        }))
    }

    /// The device of a file, attached if there is none yet. The guard is of
    /// the volume, so that nobody attaches a second one meanwhile.
    pub(super) fn attach(guard: &Guard, image: &Path, readonly: bool) -> Result<Held, Error> {
        let start = Instant::now();
        loop {
            let devices = Self::of(image)?.into_iter();
            let devices: Vec<_> = devices
                .filter(|device| device.readonly == readonly)
                .collect();
            if let Some(device) = devices.iter().find(|device| !device.is_leaving)
                && let Some(held) = device.hold(image)?
            {
                return Ok(held);
            }
            // A second device would have a second cache of the same file.
            if devices.is_empty() {
                Self::attach_new(guard, image, readonly)?;
            } else if start.elapsed() > PATIENCE {
                return Err(still_open(&devices));
            } else {
                std::thread::sleep(BETWEEN_LOOKS);
            }
        }
    }

    fn attach_new(guard: &Guard, image: &Path, readonly: bool) -> Result<(), Error> {
        let mut args = vec![OsStr::new("--find")];
        if readonly {
            args.push(OsStr::new("--read-only"));
        }
        args.push(image.as_os_str());
        LOSETUP.run(guard, image, args).map(drop)
    }

    /// Opens a device that was seen to have a file; none if it has it no more.
    fn hold(&self, image: &Path) -> Result<Option<Held>, Error> {
        let open = match File::open(&self.path) {
            Err(error) if is_gone(&error) => return Ok(None),
            open => open.map_err(Error::io("open", &self.path))?,
        };
        let is_still = Self::of(image)?.contains(self);
        Ok(is_still.then(|| Held {
            device: self.clone(),
            _open: open,
        }))
    }

    /// The device of a file, if it is attached to stay.
    pub(super) fn find(image: &Path, readonly: bool) -> Result<Option<Self>, Error> {
        let mut devices = Self::of(image)?.into_iter();
        Ok(devices.find(|device| device.readonly == readonly && !device.is_leaving))
    }

    /// Lets go of a file on all its devices that are read-only, or on all.
    pub(super) fn detach(guard: &Guard, image: &Path, only_readonly: bool) -> Result<(), Error> {
        let left = || -> Result<Vec<Self>, Error> {
            let devices = Self::of(image)?.into_iter();
            Ok(devices
                .filter(|device| device.readonly || !only_readonly)
                .collect())
        };
        for device in left()? {
            // Held, it cannot have become another file's before it is detached.
            if let Some(held) = device.hold(image)? {
                let args = [OsStr::new("--detach"), held.path.as_os_str()];
                LOSETUP.run(guard, &held.path, args)?;
            }
        }
        let start = Instant::now();
        loop {
            let devices = left()?;
            if devices.is_empty() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(still_open(&devices));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
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

/// Why a device is not let go of.
fn still_open(devices: &[LoopDevice]) -> Error {
    let path = devices.first().map_or(Path::new("/dev"), LoopDevice::path);
    Error::io("let go of", path)(io::Error::from(io::ErrorKind::ResourceBusy))
}

fn is_gone(error: &io::Error) -> bool {
    // ENXIO: detached between open and read. ENODEV: sysfs takes the device away meanwhile.
    let gone = [rustix::io::Errno::NXIO, rustix::io::Errno::NODEV];
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) || gone
        .iter()
        .any(|gone| error.raw_os_error() == Some(gone.raw_os_error()))
}
