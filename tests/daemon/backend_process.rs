//! A backend that is a process of its own, so that it can be killed: this test
//! program once more, in which only [`serves`] runs.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::scripted::{Reply, Scripted};
use crate::site::{EBS, Site, echo};

/// What tells the process what to serve.
const SOCKET: &str = "FLEX2CSI_TEST_BACKEND_SOCKET";
const ANSWERS: &str = "FLEX2CSI_TEST_BACKEND_ANSWERS";

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// With the request.
    Echo,
    /// Not at all.
    Never,
    /// With the first bytes of a message and no more.
    Begun,
}

impl Answers {
    const ALL: [Self; 3] = [Self::Echo, Self::Never, Self::Begun];
}

/// The process; dropped, it is killed.
pub struct BackendProcess {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl BackendProcess {
    /// Starts it at `csi.sock`, and waits until it serves.
    pub async fn start(site: &Site, answers: Answers) -> Self {
        let test = concat!(module_path!(), "::serves");
        let (_, test) = test.split_once("::").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(SOCKET, site.path("csi.sock"))
            .env(ANSWERS, format!("{answers:?}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut process = Self { child, stderr };
        process.says("serving").await;
        process
    }

    /// Waits until it has a call of this RPC.
    pub async fn is_asked(&mut self, path: &str) {
        self.says(path).await;
    }

    /// Ends it as `kill -9` does.
    pub async fn killed(mut self) {
        self.child.kill().await.unwrap();
    }

    async fn says(&mut self, expected: &str) {
        let says = async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                if line == expected {
                    return;
                }
            }
            panic!("the backend ended before it said {expected:?}");
        };
        let says = tokio::time::timeout(Duration::from_secs(60), says).await;
        says.unwrap_or_else(|_| panic!("the backend never says {expected:?}"));
    }
}

#[expect(clippy::print_stderr, reason = "it is read by who started the process")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// No test but the process, if it is started as that.
#[tokio::test]
async fn serves() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        return;
    };
    let answers = std::env::var(ANSWERS).unwrap();
    let mut all = Answers::ALL.into_iter();
    let answers = all.find(|known| format!("{known:?}") == answers).unwrap();
    let _backend = Scripted::serve(socket.as_ref(), EBS, move |call| {
        say(&call.path);
        match answers {
            Answers::Echo => echo(call),
            Answers::Never => Reply::Hang,
            Answers::Begun => Reply::Begun(Bytes::from_static(b"\0\0\0\0\x09\x0a\x07")),
        }
    });
    say("serving");
    std::future::pending().await
}
