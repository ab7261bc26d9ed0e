//! Filesystems in files: made, and grown where they are mounted.

use std::ffi::OsStr;
use std::path::Path;

use super::error::Error;
use super::kind::Kind;
use super::lock::Guard;
use super::program::Program;

const MKFS_EXT4: Program = Program::new("mkfs.ext4", "e2fsprogs");
const MKFS_XFS: Program = Program::new("mkfs.xfs", "xfsprogs");
const MKFS_BTRFS: Program = Program::new("mkfs.btrfs", "btrfs-progs");
const RESIZE2FS: Program = Program::new("resize2fs", "e2fsprogs");
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

/// Grows a mounted filesystem to the size of its device. Grown already, it
/// stays as it is.
pub(super) fn grow(guard: &Guard, kind: Kind, device: &Path, mount: &Path) -> Result<(), Error> {
    let (device, target) = (device.as_os_str(), mount.as_os_str());
    match kind {
        Kind::Directory | Kind::Block => Ok(()),
        Kind::Ext4 => RESIZE2FS.run(guard, mount, [device]).map(drop),
        Kind::Xfs => XFS_GROWFS.run(guard, mount, [OsStr::new("-d"), target]).map(drop),
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
