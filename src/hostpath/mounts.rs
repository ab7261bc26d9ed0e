//! Mounting and unmounting.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::mount::{MountFlags, UnmountFlags};

use super::error::Error;
use super::mount_options::MountOptions;
use crate::mountinfo::{Mount, MountTable};

/// What is mounted at a path, if anything is.
pub(super) fn at(path: &Path) -> Result<Option<Mount>, Error> {
    let real = real(path)?;
    Ok(table()?.at(&real).cloned())
}

/// Every mount that this process sees.
pub(super) fn table() -> Result<MountTable, Error> {
    MountTable::read().map_err(Error::io("read", Path::new("/proc/self/mountinfo")))
}

/// Mounts a device.
pub(super) fn device(
    device: &Path,
    target: &Path,
    filesystem: &str,
    options: &MountOptions,
    more: &[&str],
) -> Result<(), Error> {
    let own = options.of_filesystem.iter().map(String::as_str);
    let data: Vec<&str> = own.chain(more.iter().copied()).collect();
    let data = CString::new(data.join(","))
        .map_err(|_| Error::invalid("mount_flags", "have a zero byte in them"))?;
    rustix::mount::mount(
        device,
        target,
        filesystem,
        options.of_mount,
        data.as_c_str(),
    )
    .map_err(Error::io("mount something at", target))
}

/// Makes a directory or file appear at a second place.
pub(super) fn bind(source: &Path, target: &Path) -> Result<(), Error> {
    rustix::mount::mount_bind(source, target).map_err(Error::io("mount something at", target))
}

/// Adds flags to a mount. What it has stays: in a user namespace the kernel
/// would refuse to take some of it away.
pub(super) fn add_flags(target: &Path, flags: MountFlags) -> Result<(), Error> {
    if flags.is_empty() {
        return Ok(());
    }
    let stat = rustix::fs::statvfs(target).map_err(Error::io("look at", target))?;
    let mut all = flags;
    for (has, flag) in [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ] {
        all.set(flag, flags.contains(flag) || stat.f_flag.contains(has));
    }
    let times = MountFlags::NOATIME | MountFlags::RELATIME | MountFlags::STRICTATIME;
    if flags.intersects(times) {
        // One of the three; the one asked for.
        all = (all - times) | (flags & times);
    }
    rustix::mount::mount_remount(target, MountFlags::BIND | all, c"")
        .map_err(Error::io("set flags of the mount at", target))
}

/// Unmounts the topmost mount at a path.
pub(super) fn unmount(target: &Path) -> Result<(), Error> {
    rustix::mount::unmount(target, UnmountFlags::NOFOLLOW).map_err(Error::io("unmount", target))
}

/// The path as the kernel says it: of a directory that is there, without links.
/// The last part is left alone, for what is mounted on it may not answer.
pub(super) fn real(path: &Path) -> Result<PathBuf, Error> {
    // Taken apart and put together, a path has neither `//` nor `/.`.
    let plain: PathBuf = path.components().collect();
    let (Some(parent), Some(name)) = (plain.parent(), plain.file_name()) else {
        return Ok(plain);
    };
    match parent.canonicalize() {
        Ok(parent) => Ok(parent.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(plain),
        Err(error) => Err(Error::io("resolve", path)(error)),
    }
}
