//! Programs that are run to their end.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::process::Command;

use crate::StartError;

/// Runs a program, and gives what it writes to stdout.
///
/// # Errors
/// It cannot be run, or fails; then with its words.
pub(super) async fn run<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String, StartError> {
    let output = Command::new(crate::programs::installed(program)?)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| StartError::Spawn {
            program: program.to_owned(),
            source,
        })?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(StartError::Exited {
        program: program.to_owned(),
        status: output.status.to_string(),
        log: stdout + &String::from_utf8_lossy(&output.stderr),
    })
}

/// The words of a command line that needs no quotes.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace()
}
