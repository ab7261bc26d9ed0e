//! Paths of sockets, which Linux keeps short (unix(7): 108 bytes with a NUL).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use flex2csi_translators::digest::sha256_hex;

/// The most bytes that a path to connect to may have.
pub const LONGEST: usize = 107;

/// How many digits of its hash stand for a name that is too long.
const DIGITS: usize = 8;

/// The path `<directory>/<name><suffix>`; with a hash for the end of `name`
/// where it would be too long. The same for the same arguments, ever.
///
/// It is still too long when the directory leaves no room; who binds it says so.
#[must_use]
pub fn fitting(directory: &Path, name: &str, suffix: &str) -> PathBuf {
    let whole = directory.join(format!("{name}{suffix}"));
    let length = whole.as_os_str().len();
    if length <= LONGEST {
        return whole;
    }
    let hash = format!("-{}", &sha256_hex(name)[..DIGITS]);
    let spare = length - LONGEST + hash.len();
    let kept = name.floor_char_boundary(name.len().saturating_sub(spare));
    directory.join(format!("{}{hash}{suffix}", &name[..kept]))
}

/// A socket's path as flags have it; CSI's sidecars write `unix://` before it.
///
/// # Errors
/// There is none.
pub fn argument(text: &str) -> Result<PathBuf, String> {
    let path = text.strip_prefix("unix:").unwrap_or(text);
    let path = match path.strip_prefix("//") {
        Some(path) if text.starts_with("unix:") => path,
        _ => path,
    };
    if path.is_empty() {
        return Err(
            "expected the path of a socket, as /csi/csi.sock or unix:///csi/csi.sock".into(),
        );
    }
    std::path::absolute(path).map_err(|error| error.to_string())
}

/// The name of something of ours beside a socket. With a dot in front: kubelet
/// overlooks those in the directories that it watches
/// (pkg/kubelet/pluginmanager/pluginwatcher/plugin_watcher.go, v1.20 to v1.36).
pub(super) fn beside(name: &std::ffi::OsStr, suffix: &str) -> OsString {
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(suffix);
    beside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays() {
        let directory = Path::new("/var/lib/kubelet/plugins_registry");
        let longest = "d".repeat(63);
        let path = fitting(directory, &longest, "-reg.sock");
        assert_eq!(path, directory.join(format!("{longest}-reg.sock")));
        assert!(path.as_os_str().len() <= LONGEST);
    }

    #[test]
    fn a_longer_one_gets_a_hash_of_its_own() {
        let directory = Path::new("/var/snap/microk8s/common/var/lib/kubelet/plugins_registry");
        let path = |end: &str| fitting(directory, &format!("{}{end}", "d".repeat(60)), "-reg.sock");
        assert_eq!(path("a").as_os_str().len(), LONGEST);
        assert_ne!(path("a"), path("b"));
        assert_eq!(
            path("a").file_name().unwrap(),
            "dddddddddddddddddddddddddddddd-f3306560-reg.sock"
        );
    }

    #[test]
    fn characters_are_not_cut() {
        for directory in (80..107).map(|length| format!("/{}", "x".repeat(length))) {
            let path = fitting(Path::new(&directory), &"\u{e9}".repeat(20), ".sock");
            assert!(path.to_str().unwrap().ends_with(".sock"));
        }
    }

    #[test]
    fn a_socket_is_a_path_with_or_without_a_scheme() {
        for text in [
            "/csi/csi.sock",
            "unix:///csi/csi.sock",
            "unix:/csi/csi.sock",
        ] {
            assert_eq!(argument(text), Ok("/csi/csi.sock".into()), "{text}");
        }
        assert!(argument("csi.sock").unwrap().is_absolute());
        for text in ["", "unix:", "unix://"] {
            assert!(argument(text).is_err(), "{text}");
        }
    }
}
