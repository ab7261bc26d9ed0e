//! Runs a program that writes to a cluster, and ends it at the worst moments.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::seed::Seed;
use crate::{StartError, process, programs};

/// Names the step at which a debug build of the program kills itself.
const DIE_AT: &str = "FLEX2CSI_DIE_AT";

/// Names the step at which a debug build of the program stops itself.
const PAUSE_AT: &str = "FLEX2CSI_PAUSE_AT";

/// How often the memory of a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program with its arguments, to be run as often as needed.
#[derive(Debug, Clone)]
pub struct Tool {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    deadline: Duration,
}

/// When a run ends before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Never: it ends by itself.
    Itself,
    /// Killed when it comes to the step of this name, if it does.
    At(String),
    /// Killed after this time, unless it has ended.
    After(Duration),
    /// Asked to end (SIGINT) after this time; it ends by itself then.
    Interrupted(Duration),
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; none for one that was killed.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How long it ran.
    pub time: Duration,
    /// The most memory that it had, in KiB, as far as it was seen.
    pub peak_kib: u64,
}

impl Ended {
    fn of(output: &Output, start: Instant, memory: Memory) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            time: start.elapsed(),
            peak_kib: memory.peak(),
        }
    }

    /// Whether it was killed.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.code.is_none()
    }
}

impl Tool {
    /// A program without arguments.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            deadline: Duration::from_secs(600),
        }
    }

    /// `flex2csi`, as cargo built it last.
    ///
    /// # Errors
    /// It is not built.
    pub fn flex2csi() -> Result<Self, StartError> {
        Ok(Self::new(programs::flex2csi()?))
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        let more = arguments.into_iter();
        self.arguments
            .extend(more.map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds `--kubeconfig`.
    #[must_use]
    pub fn kubeconfig(self, path: &Path) -> Self {
        self.arguments([OsStr::new("--kubeconfig"), path.as_os_str()])
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets after how long a run is given up.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, or runs on after the deadline.
    pub async fn run(&self) -> Result<Ended, StartError> {
        self.run_until(&End::Itself).await
    }

    /// Runs it until `end`. A killed one has no time for anything.
    ///
    /// # Errors
    /// It cannot be started, or runs on after the deadline.
    pub async fn run_until(&self, end: &End) -> Result<Ended, StartError> {
        let start = Instant::now();
        let child = self.start(end)?;
        let id = child.id();
        let memory = Memory::watch(id);
        let output = child.wait_with_output();
        tokio::pin!(output);
        let (limit, signal) = match *end {
            End::Itself | End::At(_) => (self.deadline, "KILL"),
            End::After(time) => (time, "KILL"),
            End::Interrupted(time) => (time, "INT"),
        };
        let mut ended = tokio::time::timeout(limit, &mut output).await;
        if ended.is_err() {
            process::signal(signal, id)?;
            ended = tokio::time::timeout(self.deadline, &mut output).await;
        }
        let late = || StartError::NotReady {
            program: self.name(),
            after: start.elapsed(),
            last: "it does not end".to_owned(),
            log: String::new(),
        };
        let Ok(output) = ended else {
            process::signal("KILL", id)?;
            return Err(late());
        };
        let output = output.map_err(|source| self.spawn_error(source))?;
        let overdue = start.elapsed() >= self.deadline && output.status.code().is_none();
        if overdue && matches!(end, End::Itself | End::At(_)) {
            return Err(late());
        }
        Ok(Ended::of(&output, start, memory))
    }

    /// Runs it until it comes to a step, where it is stopped (SIGSTOP, in a debug build);
    /// `meanwhile` happens; then it goes on to its end. `None` if it ended before.
    ///
    /// # Errors
    /// It cannot be started, or runs on after the deadline.
    pub async fn run_paused_at<T>(
        &self,
        step: &str,
        meanwhile: impl Future<Output = T>,
    ) -> Result<(Ended, Option<T>), StartError> {
        let start = Instant::now();
        let tool = self.clone().variable(PAUSE_AT, step);
        let child = tool.start(&End::Itself)?;
        let id = child.id();
        let memory = Memory::watch(id);
        let output = child.wait_with_output();
        tokio::pin!(output);
        let (output, happened) = tokio::select! {
            output = &mut output => (Ok(output), None),
            () = is_stopped(id) => {
                let happened = meanwhile.await;
                process::signal("CONT", id)?;
                let output = tokio::time::timeout(self.deadline, &mut output).await;
                (output, Some(happened))
            }
        };
        let Ok(output) = output else {
            process::signal("KILL", id)?;
            return Err(StartError::NotReady {
                program: self.name(),
                after: start.elapsed(),
                last: "it does not end".to_owned(),
                log: String::new(),
            });
        };
        let output = output.map_err(|source| self.spawn_error(source))?;
        Ok((Ended::of(&output, start, memory), happened))
    }

    /// Runs it and kills it, so many times, each at a moment before `within` that
    /// the seed chooses. Fewer times if it ends by itself before.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn run_and_kill(
        &self,
        seed: &mut Seed,
        times: usize,
        within: Duration,
    ) -> Result<Vec<Ended>, StartError> {
        let mut all = Vec::new();
        let limit = u64::try_from(within.as_micros()).unwrap_or(u64::MAX).max(1);
        for _ in 0..times {
            let moment = Duration::from_micros(seed.below(limit));
            let ended = self.run_until(&End::After(moment)).await?;
            let killed = ended.was_killed();
            all.push(ended);
            if !killed {
                break;
            }
        }
        Ok(all)
    }

    fn start(&self, end: &End) -> Result<Child, StartError> {
        let mut command = Command::new(programs::installed("setpriv")?);
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.arguments)
            .env_remove(DIE_AT)
            .env_remove(PAUSE_AT)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let End::At(step) = end {
            command.env(DIE_AT, step);
        }
        command.spawn().map_err(|source| self.spawn_error(source))
    }

    fn name(&self) -> String {
        self.program.display().to_string()
    }

    fn spawn_error(&self, source: std::io::Error) -> StartError {
        StartError::Spawn {
            program: self.name(),
            source,
        }
    }
}

/// Waits until a process is stopped.
async fn is_stopped(id: Option<u32>) {
    let status = format!("/proc/{}/status", id.unwrap_or_default());
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        if text.lines().any(|line| line.starts_with("State:\tT")) {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Looks at a process's memory while it runs.
struct Memory(
    tokio::task::JoinHandle<()>,
    std::sync::Arc<std::sync::atomic::AtomicU64>,
);

impl Memory {
    fn watch(id: Option<u32>) -> Self {
        let peak = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let seen = peak.clone();
        let watching = tokio::spawn(async move {
            let status = format!("/proc/{}/status", id.unwrap_or_default());
            while let Ok(text) = std::fs::read_to_string(&status) {
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kib = line.and_then(|line| line.trim_end_matches("kB").trim().parse().ok());
                // A process that has ended, and that nobody waited for yet, has none.
                let Some(kib) = kib else { break };
                seen.fetch_max(kib, std::sync::atomic::Ordering::Relaxed);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Self(watching, peak)
    }

    fn peak(self) -> u64 {
        self.0.abort();
        self.1.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{End, Tool};
    use crate::seed::Seed;

    fn shell(script: &str) -> Tool {
        Tool::new(PathBuf::from("/bin/sh")).arguments(["-c", script])
    }

    #[tokio::test]
    async fn a_run_says_how_it_ended() {
        let ended = shell("echo done; echo why >&2; exit 3")
            .run()
            .await
            .unwrap();
        assert_eq!(ended.code, Some(3));
        assert_eq!((&*ended.stdout, &*ended.stderr), ("done\n", "why\n"));
    }

    #[tokio::test]
    async fn it_is_killed_at_a_step() {
        let tool = shell("[ \"$FLEX2CSI_DIE_AT\" = delete.after ] && kill -9 $$; echo lived");
        let ended = tool
            .run_until(&End::At("delete.after".to_owned()))
            .await
            .unwrap();
        assert!(ended.was_killed());
        let ended = tool
            .run_until(&End::At("delete.before".to_owned()))
            .await
            .unwrap();
        assert_eq!(ended.stdout, "lived\n");
    }

    #[tokio::test]
    async fn it_is_killed_in_the_middle_again_and_again() {
        let tool = shell("exec sleep 600");
        let within = Duration::from_millis(20);
        let runs = tool
            .run_and_kill(&mut Seed::new(1), 5, within)
            .await
            .unwrap();
        assert_eq!(runs.len(), 5);
        assert!(runs.iter().all(super::Ended::was_killed));
    }

    #[tokio::test]
    async fn one_that_hears_an_interrupt_ends_by_itself() {
        // A shell cannot trap what was ignored when it began, as in the background of another.
        let tool = shell(
            "exec env --default-signal=INT sh -c \
             'trap \"echo stopped; exit 0\" INT; while :; do sleep 0.01; done'",
        );
        let end = End::Interrupted(Duration::from_millis(300));
        let ended = tool.run_until(&end).await.unwrap();
        assert_eq!((ended.code, &*ended.stdout), (Some(0), "stopped\n"));
    }

    #[tokio::test]
    async fn one_is_paused_while_something_happens() {
        let directory = tempfile::tempdir().unwrap();
        let seen = directory.path().join("seen");
        let script = format!(
            "[ \"$FLEX2CSI_PAUSE_AT\" = delete.before ] && kill -STOP $$; cat {}",
            seen.display()
        );
        let meanwhile = async { std::fs::write(&seen, "it was there").unwrap() };
        let (ended, happened) = shell(&script)
            .run_paused_at("delete.before", meanwhile)
            .await
            .unwrap();
        assert_eq!((&*ended.stdout, happened), ("it was there", Some(())));
        let (_, happened) = shell(&script)
            .run_paused_at("delete.after", async {})
            .await
            .unwrap();
        assert_eq!(happened, None);
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_an_error() {
        let tool = shell("exec sleep 600").deadline(Duration::from_millis(50));
        let error = tool.run().await.unwrap_err();
        assert!(error.to_string().contains("does not end"), "{error}");
    }
}
