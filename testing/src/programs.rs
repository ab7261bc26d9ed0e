//! Where the programs are that a cluster is made of.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::StartError;

/// A program built from the Go modules under `testing/go`, such as
/// `kube-apiserver` or `translation-oracle`. It is only looked up: a test does
/// not start a build that takes minutes.
///
/// # Errors
/// It is not built yet.
pub fn built(program: &str) -> Result<PathBuf, StartError> {
    let missing = |reason: String| StartError::Missing {
        program: program.to_owned(),
        reason,
    };
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/go/build"))
        .args(["--cached", program])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(format!("testing/go/build: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(missing(said.trim().to_owned()));
    }
    let path = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(path.trim_end()))
}

/// The program under test, as cargo built it last. `testing/run` builds it
/// before the tests; cargo itself does so for the tests of its own package alone.
///
/// # Errors
/// It is not built.
pub fn flex2csi() -> Result<PathBuf, StartError> {
    beside("flex2csi")
}

/// A program of the workspace, as cargo built it last.
///
/// # Errors
/// It is not built.
pub fn beside(program: &str) -> Result<PathBuf, StartError> {
    let missing = |reason: String| StartError::Missing {
        program: program.to_owned(),
        reason,
    };
    // A test runs in <target>/<profile>/deps.
    let test = std::env::current_exe().map_err(|error| missing(error.to_string()))?;
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join(program))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| missing(format!("not beside {}", test.display())))
}

/// A program that the distribution installs, such as `etcd`.
///
/// # Errors
/// It is not in `PATH`.
pub fn installed(program: &str) -> Result<PathBuf, StartError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        // Not in every user's PATH, though executable for every user.
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| StartError::Missing {
            program: program.to_owned(),
            reason: "not in PATH".to_owned(),
        })
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::{built, installed};

    #[test]
    fn the_shell_is_installed() {
        assert!(installed("sh").unwrap().is_absolute());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = installed("flex2csi-no-such-program")
            .unwrap_err()
            .to_string();
        assert!(error.contains("flex2csi-no-such-program"), "{error}");
        let error = built("flex2csi-no-such-program").unwrap_err().to_string();
        assert!(error.contains("unknown program"), "{error}");
    }
}
