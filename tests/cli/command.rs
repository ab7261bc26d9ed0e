//! One run of the program.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Ran {
    /// The run's stdout, if it ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}", self.stderr);
        self.stdout
    }

    /// Asserts that stderr says something.
    #[track_caller]
    pub fn said(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} in:\n{}",
            self.stderr
        );
        self
    }
}

/// Runs `flex2csi` with these arguments and this standard input.
pub fn flex2csi(args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = stdin.as_ref().to_vec();
    let mut pipe = child.stdin.take().unwrap();
    // It may have ended before it read everything.
    let writer = std::thread::spawn(move || {
        let _ = pipe.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// Runs `flex2csi translate` on this input.
pub fn translate(args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
    let args: Vec<&str> = ["translate"].iter().chain(args).copied().collect();
    flex2csi(&args, stdin)
}
