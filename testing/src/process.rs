//! One program of the cluster, running until its handle is dropped.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::{StartError, programs};

/// How many lines of a log a failure shows.
const LOG_TAIL_LINES: usize = 40;

/// A running program, with its log. Dropping it ends it and waits for its end.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its output in `<directory>/<name>.log` and
    /// `directory` as its working directory.
    ///
    /// The kernel ends it when this process ends without dropping the handle:
    /// `setpriv` asks for that, since the request itself needs `unsafe` code.
    ///
    /// # Errors
    /// The log cannot be created, or the program not be executed.
    pub fn start<I, A>(
        name: &str,
        program: &Path,
        arguments: I,
        directory: &Path,
    ) -> Result<Self, StartError>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let log = directory.join(format!("{name}.log"));
        // What was logged before a restart is kept.
        let opened = File::options().create(true).append(true).open(&log);
        let file = opened.map_err(|source| StartError::File {
            path: log.clone(),
            source,
        })?;
        let spawn_error = |source| StartError::Spawn {
            program: name.to_owned(),
            source,
        };
        let mut command = Command::new(programs::installed("setpriv")?);
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(spawn_error)?)
            .stderr(file);
        Ok(Self {
            name: name.to_owned(),
            child: spawn(command).map_err(spawn_error)?,
            log,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks `probe` ten times a second until it succeeds.
    ///
    /// # Errors
    /// The program ended, or `probe` has not succeeded after `deadline`. Either
    /// carries the end of the program's log.
    pub async fn wait_ready<E: ToString>(
        &mut self,
        deadline: Duration,
        mut probe: impl AsyncFnMut() -> Result<(), E>,
    ) -> Result<(), StartError> {
        let start = Instant::now();
        loop {
            let last = match probe().await {
                Ok(()) => return Ok(()),
                Err(error) => error.to_string(),
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(StartError::Exited {
                    program: self.name.clone(),
                    status: status.to_string(),
                    log: self.log_tail(),
                });
            }
            if start.elapsed() > deadline {
                return Err(StartError::NotReady {
                    program: self.name.clone(),
                    after: deadline,
                    last,
                    log: self.log_tail(),
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// It cannot be asked, or has not ended after `deadline`.
    pub async fn terminate(mut self, deadline: Duration) -> Result<(), StartError> {
        signal("TERM", Some(self.id()))?;
        let start = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if start.elapsed() > deadline {
                return Err(StartError::NotReady {
                    program: self.name.clone(),
                    after: deadline,
                    last: "it runs on after SIGTERM".to_owned(),
                    log: self.log_tail(),
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// The last lines that the program logged.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

/// Sends a signal, as `TERM`, to a process; one that has ended gets none.
///
/// # Errors
/// `kill` cannot be run.
pub fn signal(signal: &str, id: Option<u32>) -> Result<(), StartError> {
    let Some(id) = id else {
        return Ok(());
    };
    let mut kill = Command::new(programs::installed("sh")?);
    kill.args(["-c", &format!("kill -{signal} {id}")]);
    let sent = kill.stderr(Stdio::null()).status();
    sent.map(drop).map_err(|source| StartError::Spawn {
        program: "kill".to_owned(),
        source,
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killed: nothing of what it keeps is wanted any more. An error means that it has ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

type Spawned = io::Result<Child>;
type Request = (Command, Sender<Spawned>);

/// The kernel's "parent" of a child is the *thread* that spawned it, and a
/// test's thread ends before the test process does. So one thread spawns all.
static SPAWNER: LazyLock<Mutex<Sender<Request>>> = LazyLock::new(|| {
    let (sender, requests): (_, Receiver<Request>) = channel();
    std::thread::spawn(move || {
        for (mut command, answer) in requests {
            // Who asked may be gone; then the child is not wanted either.
            if let Err(unsent) = answer.send(command.spawn())
                && let Ok(mut child) = unsent.0
            {
                child.kill().ok();
                child.wait().ok();
            }
        }
    });
    Mutex::new(sender)
});

fn spawn(command: Command) -> Spawned {
    let (answer, answered) = channel();
    let gone = || io::Error::other("the thread that spawns programs is gone");
    SPAWNER
        .lock()
        .map_err(|_| gone())?
        .send((command, answer))
        .map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::Process;
    use crate::StartError;

    fn shell(script: &str, directory: &Path) -> Process {
        Process::start("script", Path::new("/bin/sh"), ["-c", script], directory).unwrap()
    }

    fn is_running(id: u32) -> bool {
        Path::new(&format!("/proc/{id}")).exists()
    }

    #[tokio::test]
    async fn dropping_ends_it() {
        let directory = tempfile::tempdir().unwrap();
        let process = shell("exec sleep 600", directory.path());
        let id = process.id();
        assert!(is_running(id));
        drop(process);
        assert!(!is_running(id));
    }

    #[tokio::test]
    async fn it_outlives_the_thread_that_started_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let mut process = std::thread::spawn(move || shell("exec sleep 600", &path))
            .join()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(process.child.try_wait().unwrap().is_none());
    }

    #[tokio::test]
    async fn an_early_end_is_reported_with_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell(
            "echo listen: address already in use; exit 3",
            directory.path(),
        );
        let error = process
            .wait_ready(Duration::from_secs(60), async || Err("not yet"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        assert!(error.is_port_taken(), "{error}");
    }

    #[tokio::test]
    async fn a_deadline_is_reported_with_the_last_probe() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell("exec sleep 600", directory.path());
        let error = process
            .wait_ready(Duration::ZERO, async || Err("connection refused"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StartError::NotReady { last, .. } if last == "connection refused")
        );
    }
}
