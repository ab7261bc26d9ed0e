//! The program as a daemon that serves a socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::Process;
use crate::{StartError, programs};

/// How long a daemon may take to serve. It reads its state first.
const READY: Duration = Duration::from_secs(60);

/// A running daemon; killed when it is dropped.
#[derive(Debug)]
pub struct Served {
    /// The process.
    pub process: Process,
    /// What it serves.
    pub socket: PathBuf,
}

impl Served {
    /// Runs the program with these arguments, and waits until it serves a socket.
    /// `name` is that of its log in `directory`.
    ///
    /// # Errors
    /// It is not built, or does not come to serve.
    pub async fn start<I: AsRef<str>>(
        name: &str,
        arguments: impl IntoIterator<Item = I>,
        socket: &Path,
        directory: &Path,
    ) -> Result<Self, StartError> {
        let program = programs::flex2csi()?;
        let arguments: Vec<String> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let mut process = Process::start(name, &program, arguments, directory)?;
        process
            .wait_ready(READY, async || {
                tokio::net::UnixStream::connect(socket).await.map(drop)
            })
            .await?;
        Ok(Self {
            process,
            socket: socket.to_owned(),
        })
    }
}
