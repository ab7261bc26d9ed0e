//! Faults that tests ask for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::rpc::Rpc;

mod fault;

pub(super) use fault::{Action, When};
pub use fault::{Fault, FaultError};

/// What is asked for: by flags, and by a file that is read at each call.
#[derive(Debug, Default)]
pub(super) struct Faults {
    flags: Vec<Fault>,
    file: Option<PathBuf>,
    /// How often each fault of a number of times has come, by its text.
    came: Mutex<HashMap<String, u32>>,
}

impl Faults {
    pub(super) fn new(flags: Vec<Fault>, file: Option<PathBuf>) -> Self {
        Self {
            flags,
            file,
            came: Mutex::default(),
        }
    }

    /// What is to go wrong in a call at this moment, if anything.
    pub(super) fn next(&self, rpc: Rpc, when: When) -> Result<Option<Action>, Error> {
        let from_file = self.read_file()?;
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that was taken out and comes back later counts from the start.
        came.retain(|text, _| {
            self.flags
                .iter()
                .chain(&from_file)
                .any(|fault| fault.text == *text)
        });
        for fault in self.flags.iter().chain(&from_file) {
            if fault.rpc != rpc || fault.when != when {
                continue;
            }
            if let Some(times) = fault.times {
                let count = came.entry(fault.text.clone()).or_default();
                if *count >= times {
                    continue;
                }
                *count += 1;
            }
            tracing::info!(fault = fault.text, "goes wrong, as asked for");
            return Ok(Some(fault.action));
        }
        Ok(None)
    }

    /// The point in a call at which its intent is recorded and nothing is done
    /// yet. It blocks: not for async tasks.
    pub(super) fn recorded(&self, rpc: Rpc) -> Result<(), Error> {
        match self.next(rpc, When::Recorded)? {
            None => Ok(()),
            Some(Action::Slow(duration)) => {
                std::thread::sleep(duration);
                Ok(())
            }
            Some(Action::Hang) => loop {
                std::thread::park();
            },
            Some(Action::Fail(code)) => Err(Error::Asked(code)),
        }
    }

    /// The same for async tasks, before or after a call.
    pub(super) async fn around(&self, rpc: Rpc, when: When) -> Result<(), Error> {
        match self.next(rpc, when)? {
            None => Ok(()),
            Some(Action::Slow(duration)) => {
                tokio::time::sleep(duration).await;
                Ok(())
            }
            Some(Action::Hang) => std::future::pending().await,
            Some(Action::Fail(code)) => Err(Error::Asked(code)),
        }
    }

    fn read_file(&self) -> Result<Vec<Fault>, Error> {
        let Some(path) = &self.file else {
            return Ok(Vec::new());
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        let lines = text.lines().map(str::trim).enumerate();
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(index, line)| {
                line.parse().map_err(|error: FaultError| Error::Faults {
                    path: path.clone(),
                    why: format!("line {}: {error}", index + 1),
                })
            })
            .collect()
    }
}

/// How long a duration of a fault may be: a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
