//! The images that pods run, as `testing/image/build` makes them.

use std::path::PathBuf;

use crate::StartError;

/// Busybox, for the pods of a test; sleeps unless it is told otherwise.
pub const WORKLOAD: &str = "docker.io/library/busybox:test";

/// What every node has.
pub(super) const OF_ALL: [&str; 2] = ["flex2csi.tar", "images.tar"];

/// The sidecars beside external-attacher.
pub(super) const SIDECARS: &str = "sidecars.tar";

/// An archive of images.
pub(super) fn archive(name: &str) -> Result<PathBuf, StartError> {
    let missing = |reason: String| StartError::Missing {
        program: name.to_owned(),
        reason,
    };
    if let Some(directory) = std::env::var_os("FLEX2CSI_IMAGES") {
        let archive = PathBuf::from(directory).join(name);
        let is_there = archive.is_file();
        let said = || missing(format!("FLEX2CSI_IMAGES: no {}", archive.display()));
        return if is_there { Ok(archive) } else { Err(said()) };
    }
    // A test runs in <target>/<profile>/deps, a program in <target>/<profile>.
    let test = std::env::current_exe().map_err(|error| missing(error.to_string()))?;
    test.ancestors()
        .skip(2)
        .take(2)
        .map(|target| target.join("images").join(name))
        .find(|archive| archive.is_file())
        .ok_or_else(|| missing(format!("not beside {}", test.display())))
}
