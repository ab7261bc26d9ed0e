//! Programs of the system that do what no system call does.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::Error;
use super::lock::Guard;

/// A program, and the Debian package that has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    name: &'static str,
    package: &'static str,
    /// The exit codes of a good end.
    good: &'static [i32],
}

/// How much of what a program says goes into an error, in bytes.
const SAID: usize = 500;

impl Program {
    pub(super) const fn new(name: &'static str, package: &'static str) -> Self {
        Self {
            name,
            package,
            good: &[0],
        }
    }

    /// The program, which ends well with these exit codes.
    pub(super) const fn ending(self, good: &'static [i32]) -> Self {
        Self { good, ..self }
    }

    /// Runs it to its end and gives what it printed. It keeps the lock of what
    /// it works on, even if we die; `path` is for the error.
    pub(super) fn run<I, S>(self, guard: &Guard, path: &Path, args: I) -> Result<String, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let output = self
            .command()
            .args(args)
            .stdin(guard.stdin()?)
            .output()
            .map_err(|error| self.not_started(path, error))?;
        if output
            .status
            .code()
            .is_some_and(|code| self.good.contains(&code))
        {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if said.is_empty() {
            said = output.status.to_string();
        }
        said.truncate(said.floor_char_boundary(SAID));
        Err(Error::Program {
            program: self.name,
            path: path.to_owned(),
            said,
        })
    }

    /// The program, to be started otherwise.
    pub(super) fn command(self) -> Command {
        let mut command = Command::new(self.name);
        command
            .env_clear()
            .env("PATH", search_path())
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// Why it did not start.
    pub(super) fn not_started(self, path: &Path, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::NotFound {
            Error::NoProgram {
                program: self.name,
                package: self.package,
            }
        } else {
            Error::Program {
                program: self.name,
                path: path.to_owned(),
                said: error.to_string(),
            }
        }
    }
}

/// Where programs are: Debian has no `sbin` in the path of users.
fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push("/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::super::id::{Id, Object};
    use super::super::lock::Share;
    use super::*;

    fn run(program: Program, args: &[&str]) -> Result<String, Error> {
        let dir = tempfile::tempdir().unwrap();
        let id = Id::of_name(Object::Volume, "x");
        let lock = dir.path().join("lock");
        let guard = Guard::take(&lock, Share::Exclusive, Object::Volume, &id).unwrap();
        program.run(&guard, Path::new("/x"), args)
    }

    #[test]
    fn what_a_program_says_is_told() {
        let sh = Program::new("sh", "dash");
        assert_eq!(run(sh, &["-c", "echo out; echo err >&2"]).unwrap(), "out\n");
        let failed = run(sh, &["-c", "echo why >&2; exit 3"]).unwrap_err();
        assert_eq!(failed.to_string(), "sh failed on /x: why");
        let silent = run(sh, &["-c", "exit 3"]).unwrap_err();
        assert_eq!(silent.to_string(), "sh failed on /x: exit status: 3");
        assert_eq!(
            run(sh, &["-c", "cat"]).unwrap(),
            "",
            "standard input is empty"
        );
    }

    #[test]
    fn some_codes_are_good() {
        let sh = Program::new("sh", "dash").ending(&[0, 1]);
        for (code, is_good) in [("0", true), ("1", true), ("2", false)] {
            assert_eq!(run(sh, &["-c", &format!("exit {code}")]).is_ok(), is_good);
        }
        assert!(run(sh, &["-c", "kill -9 $$"]).is_err());
    }

    #[test]
    fn a_missing_program_is_named() {
        let missing = run(Program::new("mkfs.nothing", "nothing-progs"), &[]).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "mkfs.nothing is not installed: install nothing-progs"
        );
    }
}
