//! How the program ends: one table from what happened to exit codes.

use std::io;
use std::process::ExitCode;

/// How a verb ended that did what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All was done. Objects that are kept are no failures.
    All,
    /// Some objects failed, the others were done.
    Some,
}

/// What a verb says it did not do, for the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Whoever reads standard output has seen enough. It is raised only where
/// standard output is written: any other closed pipe is a failure.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// What a failed write to standard output is.
pub fn output(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        OutputClosed.into()
    } else {
        anyhow::Error::new(error).context("cannot write the output")
    }
}

const OK: u8 = 0;
const SOME_FAILED: u8 = 1;
const NOTHING_DONE: u8 = 2;

/// The number with which the program ends: 0 all done, 1 some objects failed,
/// 2 nothing done (usage, no input).
pub fn number(done: &anyhow::Result<Done>) -> u8 {
    match done {
        Ok(Done::All) => OK,
        Ok(Done::Some) => SOME_FAILED,
        Err(error) if error.is::<OutputClosed>() => OK,
        Err(error) if error.is::<Usage>() => NOTHING_DONE,
        Err(_) => SOME_FAILED,
    }
}

/// Reports what went wrong and gives the exit code.
pub fn code(done: anyhow::Result<Done>) -> ExitCode {
    let number = number(&done);
    if let Err(error) = done
        && number != OK
    {
        complain(&error);
    }
    ExitCode::from(number)
}

fn complain(error: &anyhow::Error) {
    use std::io::Write;
    // Nobody is left to tell if this fails.
    let _ = writeln!(anstream::stderr(), "error: {error:#}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_its_number() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let table: [(anyhow::Result<Done>, u8); 7] = [
            (Ok(Done::All), 0),
            (Ok(Done::Some), 1),
            (Err(anyhow::anyhow!("disk full")), 1),
            (Err(Usage("no input".into()).into()), 2),
            (Err(output(broken())), 0),
            (Err(output(broken()).context("writing")), 0),
            (Err(anyhow::Error::from(broken()).context("report")), 1),
        ];
        for (done, expected) in table {
            assert_eq!(number(&done), expected, "{done:?}");
        }
    }
}
