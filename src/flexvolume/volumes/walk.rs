//! Giving every file below a directory to a group. Pods may change the tree
//! meanwhile: each file is opened without following links, and changed through what
//! was opened.
//!
//! Pods make the tree, so it may be as deep and as wide as it likes: the way back
//! up is kept in memory and not on the stack, few directories of it are open at a
//! time, and of none all names are held.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;

/// What the group may with files, and with directories (kubernetes
/// `pkg/volume/volume_linux.go`: `rwMask`, `execMask` and the set-group-id bit).
const FILE: u32 = 0o660;
const DIRECTORY: u32 = 0o660 | 0o110 | SET_GROUP_ID;
const SET_GROUP_ID: u32 = 0o2000;
const PERMISSIONS: u32 = 0o7777;

/// How many directories are open at a time: those that were opened last. One above
/// them is opened again when all below it is done.
const OPEN: usize = 64;

/// Names of one directory are read this much at a time (bytes). One has 255 at most.
const NAMES: usize = 4096;

/// Gives a directory and all that is in it to a group; with `on_root_mismatch` only
/// if the directory itself is not the group's. The directory comes last, so that it
/// is not the group's until all is. Gives how many could not be changed.
///
/// # Errors
/// A directory cannot be read, or was moved away meanwhile.
pub(super) fn give(root: &Path, group: u32, on_root_mismatch: bool) -> io::Result<u64> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&root)?;
    if on_root_mismatch && is_given(&stat, group) {
        return Ok(0);
    }
    let mut given = Given {
        group: Gid::from_raw(group),
        left: 0,
    };
    given.tree(&root, stat)?;
    Ok(given.left)
}

fn is_given(stat: &Stat, group: u32) -> bool {
    stat.st_gid == group && stat.st_mode & DIRECTORY == DIRECTORY
}

/// A directory in which something is not done yet.
struct Level {
    /// `None` while it is closed.
    directory: Option<OwnedFd>,
    /// As it was when it was opened first.
    stat: Stat,
    /// Where in it to go on.
    next: u64,
}

impl Level {
    fn open(path: &OwnedFd, stat: Stat) -> io::Result<Self> {
        Ok(Self {
            directory: Some(readable(path, c".")?),
            stat,
            next: 0,
        })
    }
}

fn readable(directory: &OwnedFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
}

/// Opens the directory above one, if it still is the one that was come from.
fn above(below: &OwnedFd, expected: &Stat) -> io::Result<OwnedFd> {
    let found = readable(below, c"..")?;
    let stat = rustix::fs::fstat(&found)?;
    if (stat.st_dev, stat.st_ino) != (expected.st_dev, expected.st_ino) {
        let moved = "a directory was moved to another while its files were given to a group";
        return Err(io::Error::other(moved));
    }
    Ok(found)
}

struct Given {
    group: Gid,
    left: u64,
}

impl Given {
    /// All that is in a directory, and then itself.
    fn tree(&mut self, root: &OwnedFd, stat: Stat) -> io::Result<()> {
        let mut names = vec![MaybeUninit::uninit(); NAMES];
        let mut levels = vec![Level::open(root, stat)?];
        while let Some(level) = levels.last_mut() {
            let Some(directory) = &level.directory else {
                // Only those far above the last one are closed.
                return Err(io::Error::other("a directory was closed too early"));
            };
            if let Some((below, stat)) = self.files(directory, &mut level.next, &mut names)? {
                levels.push(Level::open(&below, stat)?);
                let closed = levels.len().checked_sub(OPEN + 1);
                if let Some(level) = closed.and_then(|index| levels.get_mut(index)) {
                    level.directory = None;
                }
                continue;
            }
            self.change(directory, &level.stat);
            let done = levels.pop().and_then(|level| level.directory);
            if let Some(level) = levels.last_mut()
                && level.directory.is_none()
                && let Some(done) = done
            {
                level.directory = Some(above(&done, &level.stat)?);
            }
        }
        Ok(())
    }

    /// The files in a directory, from one place in it up to its next directory.
    fn files(
        &mut self,
        directory: &OwnedFd,
        next: &mut u64,
        names: &mut [MaybeUninit<u8>],
    ) -> io::Result<Option<(OwnedFd, Stat)>> {
        rustix::fs::seek(directory, SeekFrom::Start(*next))?;
        let mut entries = RawDir::new(directory, names);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            *next = entry.next_entry_cookie();
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
                Ok(file) => file,
                // Somebody removed it meanwhile.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let stat = rustix::fs::fstat(&file)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                return Ok(Some((file, stat)));
            }
            self.change(&file, &stat);
        }
        Ok(None)
    }

    /// One file, by what was opened of it.
    fn change(&mut self, file: &OwnedFd, stat: &Stat) {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let wanted = match kind {
            FileType::Directory => DIRECTORY,
            // A link has no permissions.
            FileType::Symlink => 0,
            _ => FILE,
        };
        let mode = stat.st_mode & PERMISSIONS | wanted;
        let is_other_group = stat.st_gid != self.group.as_raw();
        if !is_other_group && mode == stat.st_mode & PERMISSIONS {
            return;
        }
        let mut changed = Ok(());
        if is_other_group {
            let itself = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW;
            changed = rustix::fs::chownat(file, c"", None, Some(self.group), itself);
        }
        // After the group: changing that takes bits away from what can be executed.
        if changed.is_ok() && kind != FileType::Symlink {
            // No other way leads from a file that was not opened for reading.
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            changed = rustix::fs::chmod(path, Mode::from_raw_mode(mode));
        }
        if changed.is_err() {
            self.left += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.0.path().join("v/a/b")).unwrap();
            for (name, mode) in [("v/file", 0o600), ("v/a/b/run", 0o4711), ("outside", 0o600)] {
                let path = tree.0.path().join(name);
                fs::write(&path, name).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
            symlink(tree.0.path().join("outside"), tree.0.path().join("v/link")).unwrap();
            symlink(tree.0.path(), tree.0.path().join("v/up")).unwrap();
            for name in ["v", "v/a", "v/a/b"] {
                let path = tree.0.path().join(name);
                fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
            }
            tree
        }

        fn give(&self, on_root_mismatch: bool) -> u64 {
            // Our own group is the only one that everybody may give to.
            let group = rustix::process::getegid().as_raw();
            give(&self.0.path().join("v"), group, on_root_mismatch).unwrap()
        }

        fn mode(&self, name: &str) -> u32 {
            self.0.path().join(name).symlink_metadata().unwrap().mode() & PERMISSIONS
        }
    }

    #[test]
    fn the_group_may_write_all_and_nothing_outside() {
        let tree = Tree::new();
        assert_eq!(tree.give(false), 0);
        for (name, mode) in [
            ("v", 0o2770),
            ("v/a/b", 0o2770),
            ("v/file", 0o660),
            ("v/a/b/run", 0o4771),
            ("outside", 0o600),
        ] {
            assert_eq!(tree.mode(name), mode, "{name}");
        }
    }

    #[test]
    fn what_is_the_groups_already_can_be_left_alone() {
        let tree = Tree::new();
        fs::set_permissions(tree.0.path().join("v"), PermissionsExt::from_mode(0o2770)).unwrap();
        assert_eq!(tree.give(true), 0);
        assert_eq!(tree.mode("v/file"), 0o600);
        tree.give(false);
        assert_eq!(tree.mode("v/file"), 0o660);
    }

    #[test]
    fn a_target_that_is_a_link_is_not_followed() {
        let tree = Tree::new();
        assert!(give(&tree.0.path().join("v/up"), 0, false).is_err());
    }

    /// A tree deeper than a process may have descriptors, and than its stack is.
    const DEEP: usize = 10_000;

    #[test]
    fn a_deep_tree_is_no_reason_to_fail() {
        let tree = Tree::new();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |at: &OwnedFd| rustix::fs::openat(at, c"d", flags, Mode::empty()).unwrap();
        let root = rustix::fs::open(tree.0.path().join("v"), flags, Mode::empty()).unwrap();
        let mut last = root.try_clone().unwrap();
        for _ in 0..DEEP {
            rustix::fs::mkdirat(&last, c"d", Mode::RWXU).unwrap();
            last = open(&last);
        }
        let file = OFlags::CREATE | OFlags::WRONLY;
        let file = rustix::fs::openat(&last, c"f", file, Mode::RUSR).unwrap();
        // What comes behind the deep one in its directory is not forgotten.
        for number in 0..200 {
            let path = tree.0.path().join(format!("v/beside-{number}"));
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(tree.give(false), 0);
        let mode = |fd: &OwnedFd| rustix::fs::fstat(fd).unwrap().st_mode & PERMISSIONS;
        assert_eq!((mode(&last), mode(&file)), (0o2770, 0o660));
        for number in 0..200 {
            assert_eq!(tree.mode(&format!("v/beside-{number}")), 0o660);
        }
        // It is too deep to be removed as others are.
        rustix::fs::unlinkat(&last, c"f", AtFlags::empty()).unwrap();
        for _ in 1..DEEP {
            rustix::fs::renameat(open(&root), c"d", &root, c"e").unwrap();
            rustix::fs::unlinkat(&root, c"d", AtFlags::REMOVEDIR).unwrap();
            rustix::fs::renameat(&root, c"e", &root, c"d").unwrap();
        }
    }

    #[test]
    fn a_wide_directory_is_gone_through_to_its_end() {
        let tree = Tree::new();
        // More names than are read at a time, and directories between them.
        let name = |number: u32| match number % 10 {
            0 => format!("v/a/directory-{number}/file"),
            _ => format!("v/a/a-rather-long-name-{number:0100}"),
        };
        for number in 0..2000 {
            let path = tree.0.path().join(name(number));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(tree.give(false), 0);
        for number in 0..2000 {
            assert_eq!(tree.mode(&name(number)), 0o660, "{number}");
        }
    }
}
