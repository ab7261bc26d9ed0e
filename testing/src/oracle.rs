//! Asks k8s.io/csi-translation-lib, the reference, what it makes of a volume.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{StartError, programs};

/// Which version of the library is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// v0.36.3, today's.
    Current,
    /// v0.30.14, the last that knows RBD.
    WithRbd,
}

impl Version {
    fn program(self) -> &'static str {
        match self {
            Self::Current => "translation-oracle",
            Self::WithRbd => "translation-oracle-0.30",
        }
    }
}

/// Why the oracle gave no answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// Its program is not built.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its program could not be talked to.
    #[error("the oracle could not be talked to")]
    Pipe(#[from] io::Error),
    /// Its program refused a question.
    #[error("the oracle failed: {0}")]
    Failed(String),
    /// An answer is not JSON.
    #[error("the oracle's answer is not JSON")]
    Answer(#[from] serde_json::Error),
}

/// The library's answers, in the order of the questions. A question is
/// `{id, op, input, args}` as the conformance cases have it, an answer
/// `{id, ok, output | error, panic?}`.
///
/// # Errors
/// The program is not built, or does not understand a question.
pub fn answers(version: Version, questions: &[Value]) -> Result<Vec<Value>, OracleError> {
    let mut text = String::new();
    for question in questions {
        text.push_str(&question.to_string());
        text.push('\n');
    }
    let mut child = Command::new(programs::built(version.program())?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    // Written beside the reading: it answers while it is asked, and a full pipe would stop both.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // If it ends early, its exit status says why.
            if let Some(mut stdin) = stdin {
                stdin.write_all(text.as_bytes()).ok();
            }
        });
        child.wait_with_output()
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(OracleError::Failed(said));
    }
    serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .map(|answer| Ok(answer?))
        .collect()
}
