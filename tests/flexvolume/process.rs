//! A process of this program, in one of its roles.

use std::ffi::OsStr;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Asks every few milliseconds until there is an answer, for a minute at most.
#[track_caller]
pub fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let overdue = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(Instant::now() < overdue, "it never comes to that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process. Dropped, it is killed.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "why the test failed")]
            {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                eprintln!("{}:\n{log}", self.log.display());
            }
        }
    }
}

impl Process {
    /// Starts this program outside of any cluster. What it logs is added to a file.
    pub fn start(
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let output = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .args(args)
            .env_remove("KUBERNETES_SERVICE_HOST")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(output)
            .spawn()
            .unwrap();
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// Waits until it serves a socket.
    #[track_caller]
    pub fn serves(&mut self, socket: &Path) {
        until(&format!("{} is served", socket.display()), || {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "{}", self.log());
            UnixStream::connect(socket).ok()
        });
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has logged this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(&format!("{text:?} is logged"), || {
            self.log().contains(text).then_some(())
        });
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        until("the process ends", || self.child.try_wait().unwrap())
    }

    /// Waits until it is killed.
    #[track_caller]
    pub fn is_killed(&mut self) {
        let status = self.ended();
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as kubelet does.
    #[track_caller]
    pub fn terminate(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert_eq!(self.ended().code(), Some(0), "{}", self.log());
    }

    pub fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }
}
