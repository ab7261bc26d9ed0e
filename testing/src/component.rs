//! A component that a test can end and start again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::StartError;
use crate::process::{self, Process};

/// A running component of a cluster, and how it was started: as it was it can
/// be started again, on the same files and ports.
#[derive(Debug)]
pub struct Component {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Component {
    /// Starts `program`; see [`Process::start`].
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start(
        name: &'static str,
        program: PathBuf,
        arguments: Vec<String>,
        directory: &Path,
    ) -> Result<Self, StartError> {
        let process = Process::start(name, &program, &arguments, directory)?;
        Ok(Self {
            name,
            program,
            arguments,
            directory: directory.to_owned(),
            process: Mutex::new(Some(process)),
        })
    }

    /// Waits until `probe` succeeds; see [`Process::wait_ready`].
    ///
    /// # Errors
    /// As [`Process::wait_ready`], and it was killed and not started again.
    pub async fn wait_ready<E: ToString>(
        &self,
        deadline: Duration,
        probe: impl AsyncFnMut() -> Result<(), E>,
    ) -> Result<(), StartError> {
        match self.process.lock().await.as_mut() {
            Some(process) => process.wait_ready(deadline, probe).await,
            None => Err(StartError::Missing {
                program: self.name.to_owned(),
                reason: "it was killed".to_owned(),
            }),
        }
    }

    /// Ends it with SIGKILL and waits for its end.
    pub async fn kill(&self) {
        drop(self.process.lock().await.take());
    }

    /// Starts it as it was started before; one that still runs is killed first.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn start_again(&self) -> Result<(), StartError> {
        let mut process = self.process.lock().await;
        drop(process.take());
        *process = Some(Process::start(
            self.name,
            &self.program,
            &self.arguments,
            &self.directory,
        )?);
        Ok(())
    }

    /// Sends it a signal, as `STOP`; nothing while it is down.
    ///
    /// # Errors
    /// `kill` cannot be run.
    pub async fn signal(&self, signal: &str) -> Result<(), StartError> {
        let process = self.process.lock().await;
        let id = process.as_ref().map(Process::id);
        process::signal(signal, id)
    }

    /// Its process id; none while it is down.
    pub async fn id(&self) -> Option<u32> {
        self.process.lock().await.as_ref().map(Process::id)
    }

    /// The last lines that it logged; empty while it is down.
    pub async fn log_tail(&self) -> String {
        let process = self.process.lock().await;
        process.as_ref().map(Process::log_tail).unwrap_or_default()
    }
}
