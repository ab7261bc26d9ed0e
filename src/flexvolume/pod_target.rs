//! Where a pod's volume is mounted. Nothing is mounted or unmounted anywhere
//! else, whatever a call says.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// A directory `<root>/pods/<uid>/volumes/<vendor~driver>/<volume>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTarget {
    /// The directory, below kubelet's root as it is configured: the CSI driver,
    /// in a container of its own, knows it by that path.
    pub path: PathBuf,
    /// The pod.
    pub pod_uid: String,
    /// The PersistentVolume, or the pod's name for an inline volume.
    pub volume: String,
}

/// Why a path is no pod's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is not where kubelet has its pods.
    #[error(
        "{} is no volume directory of the driver {driver:?} below kubelet's root {}: \
         `kubelet.root` in the configuration has to be kubelet's --root-dir", .path.display(), .root.display()
    )]
    Outside {
        /// What was asked for.
        path: PathBuf,
        /// Where kubelet is.
        root: PathBuf,
        /// The FlexVolume driver.
        driver: String,
    },
    /// A symbolic link is on the way.
    #[error("{} leads through a symbolic link, and kubelet makes none: nothing was done", .path.display())]
    Link {
        /// What was asked for.
        path: PathBuf,
    },
    /// It cannot be looked at.
    #[error("{} cannot be looked at: {error}", .path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl PodTarget {
    /// The directory of a driver's volume. It may be missing, and what is mounted
    /// on it may be out of order.
    ///
    /// # Errors
    /// It is no such directory of kubelet's.
    pub fn check(path: &str, root: &Path, driver: &str) -> Result<Self, TargetError> {
        let outside = || TargetError::Outside {
            path: path.into(),
            root: root.to_owned(),
            driver: driver.to_owned(),
        };
        let given = Path::new(path);
        let parts = below_root(given, root, driver).ok_or_else(outside)?;
        let target = Self {
            path: root.join(&parts.suffix),
            pod_uid: parts.pod_uid.to_owned(),
            volume: parts.volume.to_owned(),
        };
        no_links(root, &parts.suffix).map_err(|error| match error {
            Errno::LOOP => TargetError::Link { path: path.into() },
            _ => TargetError::Io {
                path: path.into(),
                error: error.into(),
            },
        })?;
        Ok(target)
    }
}

struct Parts<'a> {
    suffix: PathBuf,
    pod_uid: &'a str,
    volume: &'a str,
}

/// The five names below the root, if that is what the path has.
fn below_root<'a>(path: &'a Path, root: &Path, driver: &str) -> Option<Parts<'a>> {
    // What components() makes of `//` and `/./` is not what kubelet writes.
    let is_plain = |text: &[u8]| !text.contains(&0) && !text.windows(2).any(|two| two == b"//");
    let bytes = path.as_os_str().as_bytes();
    if !path.is_absolute() || !is_plain(bytes) || bytes.ends_with(b"/") {
        return None;
    }
    let mut names: Vec<&OsStr> = Vec::new();
    for component in path.components().skip(1) {
        match component {
            Component::Normal(name) => names.push(name),
            _ => return None,
        }
    }
    let before = names.len().checked_sub(5)?;
    let (above, below) = names.split_at(before);
    let [pods, uid, volumes, directory, volume] = below else {
        return None;
    };
    let is_driver = *directory == OsStr::new(&driver.replace('/', "~"));
    if *pods != "pods" || *volumes != "volumes" || !is_driver {
        return None;
    }
    // Kubelet's root may be a link, and kubelet may know it by another name.
    let above: PathBuf = Path::new("/").join(above.iter().collect::<PathBuf>());
    let is_root = above == root
        || matches!((above.canonicalize(), root.canonicalize()), (Ok(a), Ok(b)) if a == b);
    is_root.then_some(())?;
    Some(Parts {
        suffix: below.iter().collect(),
        pod_uid: uid.to_str()?,
        volume: volume.to_str()?,
    })
}

/// That no link is on the way from the root to the directory, itself included.
/// Step by step: openat2(2) would do it at once, and came with Linux 5.6.
fn no_links(root: &Path, suffix: &Path) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let mut directory = rustix::fs::openat(CWD, root, flags | OFlags::DIRECTORY, Mode::empty())?;
    for name in suffix.parent().into_iter().flatten() {
        match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_symlink() => {
                return Err(Errno::LOOP);
            }
            Ok(_) => {}
            // What is not there leads nowhere.
            Err(_) => return Ok(()),
        }
        let flags = flags | OFlags::NOFOLLOW;
        directory = rustix::fs::openat(&directory, name, flags, Mode::empty())?;
    }
    match suffix.file_name() {
        Some(name) if is_link(&directory, name)? => Err(Errno::LOOP),
        _ => Ok(()),
    }
}

/// Whether a directory has a link of this name, by the directory alone. Looking at
/// the name itself would be looking at what is mounted there, and whoever looks at a
/// mount whose server is gone may wait for ever.
fn is_link(directory: &OwnedFd, name: &OsStr) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = match rustix::fs::openat(directory, c".", flags, Mode::empty()) {
        // It is no directory, and nothing is in it.
        Err(Errno::NOTDIR) => return Ok(false),
        opened => opened?,
    };
    for entry in Dir::read_from(&readable)? {
        let entry = entry?;
        if entry.file_name().to_bytes() != name.as_bytes() {
            continue;
        }
        return match entry.file_type() {
            // Some file systems do not say it.
            FileType::Unknown => {
                let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
                Ok(stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink()))
            }
            kind => Ok(kind.is_symlink()),
        };
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const DRIVER: &str = "k8s/nfs";

    struct Kubelet(tempfile::TempDir);

    impl Kubelet {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            fs::create_dir_all(directory.path().join("pods/u1/volumes/k8s~nfs/pv-1")).unwrap();
            Self(directory)
        }

        fn root(&self) -> &Path {
            self.0.path()
        }

        fn check(&self, below: &str) -> Result<PodTarget, TargetError> {
            let path = format!("{}/{below}", self.root().display());
            PodTarget::check(&path, self.root(), DRIVER)
        }
    }

    #[test]
    fn a_pods_volume_says_whose_it_is() {
        let kubelet = Kubelet::new();
        let target = kubelet.check("pods/u1/volumes/k8s~nfs/pv-1").unwrap();
        assert_eq!((&*target.pod_uid, &*target.volume), ("u1", "pv-1"));
        assert_eq!(
            target.path,
            kubelet.root().join("pods/u1/volumes/k8s~nfs/pv-1")
        );
        // It may be gone already.
        assert!(kubelet.check("pods/u2/volumes/k8s~nfs/pv-1").is_ok());
        assert!(kubelet.check("pods/u1/volumes/k8s~nfs/pv-2").is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        let kubelet = Kubelet::new();
        for below in [
            "",
            "pods/u1/volumes/k8s~nfs",
            "pods/u1/volumes/k8s~nfs/",
            "pods/u1/volumes/k8s~nfs/pv-1/",
            "pods/u1/volumes/k8s~nfs/pv-1/x",
            "pods/u1/volumes/k8s~nfs/..",
            "pods/u1/volumes/k8s~nfs/../../../../etc",
            "pods//u1/volumes/k8s~nfs/pv-1",
            "pods/u1/volumes/other~nfs/pv-1",
            "pods/u1/volumes/kubernetes.io~csi/pv-1",
            "plugins/u1/volumes/k8s~nfs/pv-1",
            "pods/u1/volumes/k8s~nfs/pv\0-1",
        ] {
            let error = kubelet.check(below).unwrap_err();
            assert!(
                matches!(error, TargetError::Outside { .. }),
                "{below:?}: {error}"
            );
        }
        for path in [
            "pods/u1/volumes/k8s~nfs/pv-1",
            "/pods/u1/volumes/k8s~nfs/pv-1",
            "/",
        ] {
            let error = PodTarget::check(path, kubelet.root(), DRIVER).unwrap_err();
            assert!(
                matches!(error, TargetError::Outside { .. }),
                "{path}: {error}"
            );
        }
    }

    #[test]
    fn a_link_on_the_way_is_refused() {
        let kubelet = Kubelet::new();
        let pods = kubelet.root().join("pods");
        symlink("/etc", pods.join("u1/volumes/k8s~nfs/pv-link")).unwrap();
        symlink(pods.join("u1"), pods.join("u-link")).unwrap();
        for below in [
            "pods/u1/volumes/k8s~nfs/pv-link",
            "pods/u-link/volumes/k8s~nfs/pv-1",
        ] {
            let error = kubelet.check(below).unwrap_err();
            assert!(
                matches!(error, TargetError::Link { .. }),
                "{below}: {error}"
            );
        }
    }

    #[test]
    fn kubelets_root_may_itself_be_a_link() {
        let kubelet = Kubelet::new();
        let links = tempfile::tempdir().unwrap();
        let root = links.path().join("kubelet");
        symlink(kubelet.root(), &root).unwrap();
        let below = "pods/u1/volumes/k8s~nfs/pv-1";
        for (given, configured) in [(&*root, kubelet.root()), (kubelet.root(), &*root)] {
            let path = given.join(below);
            let target = PodTarget::check(path.to_str().unwrap(), configured, DRIVER).unwrap();
            assert_eq!(target.path, configured.join(below));
        }
    }
}
