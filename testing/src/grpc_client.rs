//! Calls plugin sockets with grpc-go, as kubelets and sidecars do.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::{StartError, programs};

/// Which grpc-go calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// v1.47, of kubelet 1.25. It sends a bare path as the authority.
    Old,
    /// v1.79, of kubelet 1.36. It escapes the path.
    New,
}

impl Age {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Old, Self::New];

    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Old => "grpc-client-1.47",
            Self::New => "grpc-client-1.79",
        }
    }
}

/// How the client names the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dial {
    /// The bare path: kubelet on registration sockets, and on CSI sockets up to 1.25.
    Path,
    /// The bare path, and an authority: kubelet on CSI sockets from 1.26 on.
    Localhost,
    /// A `unix://` target: sidecars and csi-sanity.
    Unix,
}

impl Dial {
    /// All.
    pub const ALL: [Self; 3] = [Self::Path, Self::Localhost, Self::Unix];

    fn argument(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Localhost => "localhost",
            Self::Unix => "unix",
        }
    }
}

/// What a benchmark does, all on one connection.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many calls.
    pub calls: usize,
    /// How many at a time.
    pub concurrency: usize,
    /// How many metadata keys the calls take turns with.
    pub keys: usize,
}

/// Why a client gave no answer. What the server said is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Its program is not built.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its program could not be run.
    #[error("the client could not be run")]
    Run(#[from] io::Error),
    /// Its program failed, as when it could not connect.
    #[error("the client failed: {0}")]
    Failed(String),
    /// Its answer is not JSON.
    #[error("the client's answer is not JSON")]
    Answer(#[from] serde_json::Error),
}

/// A client of one socket.
#[derive(Debug)]
pub struct GrpcClient {
    program: PathBuf,
    socket: PathBuf,
    /// What runs the program, with its arguments.
    runner: Vec<String>,
}

impl GrpcClient {
    /// A client of this age.
    ///
    /// # Errors
    /// Its program is not built.
    pub fn new(age: Age, socket: &Path) -> Result<Self, ClientError> {
        Ok(Self {
            program: programs::built(age.program())?,
            socket: socket.to_owned(),
            runner: Vec::new(),
        })
    }

    /// Lets it run as another user. Its program is copied into `directory`, where
    /// that user can get at it.
    ///
    /// # Errors
    /// `setpriv` is missing, or the program cannot be copied.
    pub fn as_user(mut self, user: u32, directory: &Path) -> Result<Self, ClientError> {
        let copy = directory.join("grpc-client");
        // By another process: a child that another thread forks right now would
        // hold a file that this one writes to, and what is written to cannot be run.
        let copied = std::process::Command::new(programs::installed("cp")?)
            .args([&self.program, &copy])
            .status()?;
        if !copied.success() {
            return Err(ClientError::Failed(format!("cp ended with {copied}")));
        }
        self.program = copy;
        let setpriv = programs::installed("setpriv")?;
        self.runner = vec![
            setpriv.display().to_string(),
            format!("--reuid={user}"),
            format!("--regid={user}"),
            "--clear-groups".to_owned(),
            "--".to_owned(),
        ];
        Ok(self)
    }

    /// Registers a plugin as kubelet does, or refuses it with an error. Gives
    /// what the plugin says: `{type, name, endpoint, supported_versions}`.
    ///
    /// # Errors
    /// The plugin did not answer well.
    pub async fn register(&self, refusal: Option<&str>) -> Result<Value, ClientError> {
        self.run("register", &["-refuse", refusal.unwrap_or_default()])
            .await
    }

    /// Makes one RPC. Gives `{code, message, details, responses, header, trailer,
    /// wire}`.
    ///
    /// # Errors
    /// It could not connect.
    pub async fn call(
        &self,
        dial: Dial,
        method: &str,
        request: &Value,
    ) -> Result<Value, ClientError> {
        self.call_with(dial, method, request, &[]).await
    }

    /// Makes one RPC with further flags of the program, as `-gzip`.
    ///
    /// # Errors
    /// It could not connect.
    pub async fn call_with(
        &self,
        dial: Dial,
        method: &str,
        request: &Value,
        flags: &[&str],
    ) -> Result<Value, ClientError> {
        let request = request.to_string();
        let arguments = [
            "-dial",
            dial.argument(),
            "-method",
            method,
            "-request",
            &request,
        ];
        self.run("call", &[&arguments, flags].concat()).await
    }

    /// Makes many RPCs. Gives `{calls, failed, first_error, codes, seconds, p50_us,
    /// p90_us, p99_us, max_us}`.
    ///
    /// # Errors
    /// It could not connect.
    pub async fn bench(
        &self,
        dial: Dial,
        method: &str,
        request: &Value,
        load: Load,
    ) -> Result<Value, ClientError> {
        self.bench_with(dial, method, request, load, &[]).await
    }

    /// Makes many RPCs with further flags of the program, as `-duration`.
    ///
    /// # Errors
    /// It could not connect.
    pub async fn bench_with(
        &self,
        dial: Dial,
        method: &str,
        request: &Value,
        load: Load,
        flags: &[&str],
    ) -> Result<Value, ClientError> {
        let request = request.to_string();
        let [calls, concurrency, keys] =
            [load.calls, load.concurrency, load.keys].map(|number| number.to_string());
        let arguments = [
            "-dial",
            dial.argument(),
            "-method",
            method,
            "-request",
            &request,
            "-calls",
            &calls,
            "-concurrency",
            &concurrency,
            "-keys",
            &keys,
        ];
        self.run("bench", &[&arguments, flags].concat()).await
    }

    async fn run(&self, verb: &str, arguments: &[&str]) -> Result<Value, ClientError> {
        let mut line: Vec<&OsStr> = self.runner.iter().map(OsStr::new).collect();
        line.extend([self.program.as_os_str(), OsStr::new(verb)]);
        line.extend([OsStr::new("-socket"), self.socket.as_os_str()]);
        line.extend(arguments.iter().map(OsStr::new));
        let output = Command::new(line[0])
            .args(&line[1..])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ClientError::Failed(said));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
