//! What kubelet does itself where a driver answers "Not supported", done here:
//! kubelet would remember the answer for all volumes of the driver (kubernetes
//! `pkg/volume/flexvolume/{mounter,unmounter}-defaults.go`, v1.36).

use std::ffi::CStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use crate::mountinfo::{MountTable, real_path};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be {what}: {error}{}", .path.display(), self.hint())]
pub struct DefaultError {
    path: PathBuf,
    what: &'static str,
    error: io::Error,
}

impl DefaultError {
    /// The daemon mounts nothing itself, but for some original drivers and after a loss of
    /// its record, and so has no right to where it is not told to.
    fn hint(&self) -> String {
        let path = self.path.display();
        match (self.error.kind(), self.what) {
            (io::ErrorKind::PermissionDenied, "unmounted") => format!(
                "; the node daemon has no right to: unmount it on the node, `umount {path}`, and \
                 kubelet goes on"
            ),
            (io::ErrorKind::PermissionDenied, _) => "; the node daemon has no right to: deploy it \
                 with deploy/components/original-attaches"
                .to_owned(),
            _ => String::new(),
        }
    }
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> DefaultError {
    let path = path.to_owned();
    move |error| DefaultError { path, what, error }
}

/// Binds the directory in which the device is mounted to that of the pod. It
/// blocks.
///
/// # Errors
/// Nothing is mounted there, or the kernel refuses.
pub(super) fn bind(global: &Path, target: &Path, read_only: bool) -> Result<(), DefaultError> {
    let table = MountTable::read().map_err(failed(target, "looked at"))?;
    if table.at(&real_path(target)).is_some() {
        return Ok(());
    }
    if table.at(&real_path(global)).is_none() {
        let error = io::Error::new(io::ErrorKind::NotFound, "no device is mounted there");
        return Err(failed(global, "bound")(error));
    }
    rustix::mount::mount_bind(global, target)
        .map_err(|error| failed(target, "mounted")(error.into()))?;
    if read_only {
        let flags = MountFlags::BIND | MountFlags::RDONLY;
        let none: &CStr = c"";
        if let Err(error) = rustix::mount::mount_remount(target, flags, none) {
            // A pod that may only read must not get more.
            let undone = rustix::mount::unmount(target, UnmountFlags::NOFOLLOW);
            let error = match undone {
                Ok(()) => io::Error::from(error),
                Err(left) => io::Error::other(format!("{error}; and it stays mounted: {left}")),
            };
            return Err(failed(target, "made read-only")(error));
        }
    }
    Ok(())
}

/// Unmounts whatever is at a directory, and removes the directory. What serves
/// it may be gone. It blocks.
///
/// # Errors
/// It is in use, or the kernel refuses.
pub(super) fn unmount(target: &Path) -> Result<(), DefaultError> {
    let path = real_path(target);
    loop {
        let table = MountTable::read().map_err(failed(target, "looked at"))?;
        if table.at(&path).is_none() {
            break;
        }
        rustix::mount::unmount(target, UnmountFlags::NOFOLLOW)
            .map_err(|error| failed(target, "unmounted")(error.into()))?;
    }
    match rustix::fs::rmdir(target) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failed(target, "removed")(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_mounted_is_unmounted_already() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("pv-1");
        unmount(&target).unwrap();
        std::fs::create_dir(&target).unwrap();
        unmount(&target).unwrap();
        assert!(!target.exists());
        std::fs::create_dir(&target).unwrap();
        std::fs::write(target.join("data"), "x").unwrap();
        let error = unmount(&target).unwrap_err().to_string();
        assert!(error.contains("could not be removed"), "{error}");
        assert!(target.join("data").exists());
    }

    #[test]
    fn nothing_is_bound_where_no_device_is_mounted() {
        let directory = tempfile::tempdir().unwrap();
        let error = bind(directory.path(), &directory.path().join("x"), false).unwrap_err();
        assert!(
            error.to_string().contains("no device is mounted"),
            "{error}"
        );
    }

    #[test]
    fn who_may_not_unmount_says_who_can() {
        let error = |what| {
            let error = io::Error::from(io::ErrorKind::PermissionDenied);
            failed(Path::new("/pods/u/pv-1"), what)(error).to_string()
        };
        assert!(error("unmounted").contains("`umount /pods/u/pv-1`"));
        assert!(error("mounted").contains("original-attaches"));
        assert!(!error("mounted").contains("umount"));
    }
}
