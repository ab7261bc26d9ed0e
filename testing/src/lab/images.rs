//! The images that pods run, as `testing/image/build` makes them.

use std::path::PathBuf;

use crate::StartError;

/// Busybox, for the pods of a test; sleeps unless it is told otherwise.
pub const WORKLOAD: &str = "docker.io/library/busybox:test";

/// The archives with all images.
pub(super) fn archives() -> Result<Vec<PathBuf>, StartError> {
    let missing = |reason: String| StartError::Missing {
        program: "images.tar".to_owned(),
        reason,
    };
    // A test runs in <target>/<profile>/deps, a program in <target>/<profile>. A build
    // of a profile comes before the one that is for all.
    let test = std::env::current_exe().map_err(|error| missing(error.to_string()))?;
    let directory = test
        .ancestors()
        .skip(1)
        .take(3)
        .map(|target| target.join("images"))
        .find(|images| images.join("images.tar").is_file())
        .ok_or_else(|| missing(format!("not beside {}", test.display())))?;
    Ok(["images.tar", "flex2csi.tar"]
        .map(|archive| directory.join(archive))
        .into())
}
