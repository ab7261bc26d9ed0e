//! Filesystems in files: made, and grown where they are mounted.

use std::ffi::OsStr;
use std::path::Path;

use rustix::thread::CapabilitySet;

use super::error::Error;
use super::kind::Kind;
use super::lock::Guard;
use super::program::Program;

const MKFS_EXT4: Program = Program::new("mkfs.ext4", "e2fsprogs");
const MKFS_XFS: Program = Program::new("mkfs.xfs", "xfsprogs");
const MKFS_BTRFS: Program = Program::new("mkfs.btrfs", "btrfs-progs");
const RESIZE2FS: Program = Program::new("resize2fs", "e2fsprogs");
/// 1: errors that it corrected, as of a copy of a filesystem in use.
const E2FSCK: Program = Program::new("e2fsck", "e2fsprogs").ending(&[0, 1]);
const XFS_GROWFS: Program = Program::new("xfs_growfs", "xfsprogs");
const BTRFS: Program = Program::new("btrfs", "btrfs-progs");
const BTRFSTUNE: Program = Program::new("btrfstune", "btrfs-progs");

/// Makes the filesystem of a kind in a file that nobody else uses. Kinds that
/// have none are left as they are.
pub(super) fn make(guard: &Guard, kind: Kind, image: &Path) -> Result<(), Error> {
    let image_arg = image.as_os_str();
    let (program, args): (_, &[&str]) = match kind {
        Kind::Directory | Kind::Block => return Ok(()),
        // No blocks kept back for root: a volume is its owner's.
        Kind::Ext4 => (MKFS_EXT4, &["-q", "-F", "-m", "0"]),
        Kind::Xfs => (MKFS_XFS, &["-q", "-f"]),
        Kind::Btrfs => (MKFS_BTRFS, &["-q", "-f"]),
    };
    let args = args.iter().map(OsStr::new).chain([image_arg]);
    program.run(guard, image, args).map(drop)
}

/// Grows a filesystem that is not mounted, where its kind is grown so. ext4 is,
/// because growing it mounted takes more rights.
pub(super) fn grow_unmounted(guard: &Guard, kind: Kind, device: &Path) -> Result<bool, Error> {
    if kind != Kind::Ext4 {
        return Ok(false);
    }
    let arg = device.as_os_str();
    let check = [OsStr::new("-f"), OsStr::new("-p"), arg];
    E2FSCK.run(guard, device, check)?;
    RESIZE2FS.run(guard, device, [arg])?;
    Ok(true)
}

/// Whether we may grow a mounted filesystem of a kind; if not, why. ext4 asks
/// for CAP_SYS_RESOURCE (Linux 6.18, fs/ext4/resize.c, `ext4_resize_begin`).
pub(super) fn check_may_grow(kind: Kind) -> Result<(), String> {
    if kind != Kind::Ext4 {
        return Ok(());
    }
    match rustix::thread::capabilities(None) {
        Ok(sets) if !sets.effective.contains(CapabilitySet::SYS_RESOURCE) => Err(
            "cannot be grown while it is mounted: that takes CAP_SYS_RESOURCE, which this process \
             does not have; it is grown when it is staged next"
                .to_owned(),
        ),
        // The kernel will say, if it cannot be told from here.
        _ => Ok(()),
    }
}

/// Grows a mounted filesystem to the size of its device. Grown already, it
/// stays as it is.
pub(super) fn grow(guard: &Guard, kind: Kind, device: &Path, mount: &Path) -> Result<(), Error> {
    let (device, target) = (device.as_os_str(), mount.as_os_str());
    match kind {
        Kind::Directory | Kind::Block => Ok(()),
        Kind::Ext4 => RESIZE2FS.run(guard, mount, [device]).map(drop),
        Kind::Xfs => XFS_GROWFS
            .run(guard, mount, [OsStr::new("-d"), target])
            .map(drop),
        Kind::Btrfs => {
            let resize = ["filesystem", "resize", "max"].map(OsStr::new);
            let args = resize.into_iter().chain([target]);
            BTRFS.run(guard, mount, args).map(drop)
        }
    }
}

/// Makes the copy of a filesystem one of its own. The kernel takes two btrfs of
/// one id for the same; xfs is mounted with `nouuid`, and ext4 does not care.
pub(super) fn make_distinct(guard: &Guard, kind: Kind, image: &Path) -> Result<(), Error> {
    match kind {
        Kind::Btrfs => {
            let args = [OsStr::new("-f"), OsStr::new("-m"), image.as_os_str()];
            BTRFSTUNE.run(guard, image, args).map(drop)
        }
        _ => Ok(()),
    }
}

/// What every mount of a kind's filesystem needs.
pub(super) fn mount_data(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Xfs => &["nouuid"],
        _ => &[],
    }
}
