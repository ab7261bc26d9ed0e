//! The processes of the demonstration: this program, in its other roles.

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long a process may take to serve its socket.
const START: Duration = Duration::from_secs(20);
/// How long one may take to end by itself.
const END: Duration = Duration::from_secs(10);
/// How often it is looked whether it serves.
const EVERY: Duration = Duration::from_millis(2);

/// A process of this program. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Role {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Role {
    /// Starts this program with these arguments, and waits until it serves a socket.
    pub async fn start(
        name: &'static str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        socket: &std::path::Path,
        log: PathBuf,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = Command::new(program)
            .args(args)
            // It is a cluster of its own.
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            // An interrupt at the terminal is ours alone.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        let mut role = Self { name, child, log };
        let overdue = Instant::now() + START;
        while UnixStream::connect(socket).await.is_err() {
            if let Some(status) = role.child.try_wait()? {
                bail!("the {name} ended ({status}): {}", role.last_words());
            }
            if Instant::now() > overdue {
                bail!("the {name} does not serve: {}", role.last_words());
            }
            tokio::time::sleep(EVERY).await;
        }
        Ok(role)
    }

    /// kill -9.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("cannot kill the {}", self.name))
    }

    /// SIGTERM, and waits for the end.
    pub async fn terminate(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        match tokio::time::timeout(END, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(ended) => bail!(
                "the {} ended with {:?}: {}",
                self.name,
                ended,
                self.last_words()
            ),
            Err(_) => bail!("the {} does not end", self.name),
        }
    }

    /// The last lines that it logged.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}
