//! One daemon as a process.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Asks every few milliseconds until there is an answer, for a minute at most.
pub async fn until<T>(what: &str, mut answer: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = answer().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), asking).await;
    answer.unwrap_or_else(|_| panic!("it never comes to that {what}"))
}

/// A daemon; dropped, it is killed.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    /// Reads what it logs, to the end.
    reader: Option<JoinHandle<()>>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "why the test failed")]
            {
                eprintln!("the daemon logged:\n{}", self.log());
            }
        }
    }
}

impl Daemon {
    /// Starts `flex2csi` with these arguments, outside of any cluster.
    pub fn start(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .args(args)
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let reader = Some(reader);
        Self { child, log, reader }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it logged until now.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged a line with this in it, and gives the line.
    pub async fn says(&self, text: &str) -> String {
        let what = format!("{text:?} is logged");
        let logged = async || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(text));
            line.map(str::to_owned)
        };
        until(&what, logged).await
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended by itself: how, and all that it logged.
    pub async fn ended(&mut self) -> (ExitStatus, String) {
        let status = until("the daemon ends", async || self.child.try_wait().unwrap()).await;
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.log())
    }

    /// As [`Self::ended`], with this code.
    pub async fn ended_with(&mut self, code: i32) -> String {
        let (status, log) = self.ended().await;
        assert_eq!(status.code(), Some(code), "{log}");
        log
    }

    /// Ends it as `kill -9` does.
    pub async fn killed(&mut self) {
        self.signal(Signal::KILL);
        let (status, _) = self.ended().await;
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    }

    /// Ends it as kubelet does.
    pub async fn terminated(&mut self) -> String {
        self.signal(Signal::TERM);
        self.ended_with(0).await
    }
}
