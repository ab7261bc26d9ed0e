//! Giving every file below a directory to a group. Pods may change the tree
//! meanwhile: each file is opened without following links, and changed through what
//! was opened.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat};

/// What the group may with files, and with directories (kubernetes
/// `pkg/volume/volume_linux.go`: `rwMask`, `execMask` and the set-group-id bit).
const FILE: u32 = 0o660;
const DIRECTORY: u32 = 0o660 | 0o110 | SET_GROUP_ID;
const SET_GROUP_ID: u32 = 0o2000;
const PERMISSIONS: u32 = 0o7777;

/// Gives a directory and all that is in it to a group; with `on_root_mismatch` only
/// if the directory itself is not the group's. The directory comes last, so that it
/// is not the group's until all is. Gives how many could not be changed.
///
/// # Errors
/// A directory cannot be read.
pub(super) fn give(root: &Path, group: u32, on_root_mismatch: bool) -> io::Result<u64> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&root)?;
    if on_root_mismatch && is_given(&stat, group) {
        return Ok(0);
    }
    let mut walk = Walk {
        group: Gid::from_raw(group),
        left: 0,
    };
    walk.directory(root, &stat)?;
    Ok(walk.left)
}

fn is_given(stat: &Stat, group: u32) -> bool {
    stat.st_gid == group && stat.st_mode & DIRECTORY == DIRECTORY
}

struct Walk {
    group: Gid,
    left: u64,
}

impl Walk {
    /// A directory, after what is in it.
    fn directory(&mut self, directory: OwnedFd, stat: &Stat) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = rustix::fs::openat(&directory, c".", flags, Mode::empty())?;
        for name in names(&readable)? {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&readable, name.as_c_str(), flags, Mode::empty());
            let file = match opened {
                Ok(file) => file,
                // Somebody removed it meanwhile.
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let stat = rustix::fs::fstat(&file)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                self.directory(file, &stat)?;
            } else {
                self.change(&file, &stat);
            }
        }
        self.change(&directory, stat);
        Ok(())
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

/// The names in a directory. One directory at a time is held in memory.
fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if name.as_bytes() != b"." && name.as_bytes() != b".." {
            names.push(name);
        }
    }
    Ok(names)
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
}
