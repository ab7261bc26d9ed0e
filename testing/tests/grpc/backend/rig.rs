//! A grpc-go driver, `flex2csi node` in front of it, and callers of both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flex2csi_testing::grpc_client::{Age, Dial, GrpcClient};
use flex2csi_testing::process::Process;
use flex2csi_testing::{grpc_server, programs};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;

use super::tonic_client::TonicClient;

pub(super) const DRIVER: &str = "ebs.csi.aws.com";
pub(super) const PROBE: &str = "/csi.v1.Identity/Probe";
/// The endpoint looks into its requests.
pub(super) const DELETE: &str = "/csi.v1.Controller/DeleteVolume";
/// Neither side knows it.
pub(super) const UNKNOWN: &str = "/vendor.v1.Extras/DoThings";
pub(super) const STREAM: &str = "/csi.v1.SnapshotMetadata/GetMetadataAllocated";

const READY: Duration = Duration::from_secs(60);

pub(super) struct Rig {
    pub(super) server: Option<Process>,
    pub(super) endpoint: Process,
    age: Age,
    flags: Vec<&'static str>,
    directory: TempDir,
}

impl Rig {
    /// In front of a driver of this age with these flags of its program.
    pub(super) async fn start(age: Age, flags: &[&'static str]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let server = serve(age, directory.path(), flags).await;
        let [backend, socket, state] = ["csi.sock", "endpoint.sock", "state"].map(path);
        let backend = ["node", "--backend", &backend, "--state", &state];
        let arguments = [&backend[..], &["--endpoint", &socket]].concat();
        let program = programs::flex2csi().unwrap();
        let endpoint = Process::start("endpoint", &program, arguments, directory.path());
        let mut endpoint = endpoint.unwrap();
        endpoint
            .wait_ready(READY, async || UnixStream::connect(&socket).await.map(drop))
            .await
            .unwrap();
        Self {
            server: Some(server),
            endpoint,
            age,
            flags: flags.to_vec(),
            directory,
        }
    }

    /// The driver's own socket.
    pub(super) fn direct(&self) -> PathBuf {
        self.directory.path().join("csi.sock")
    }

    /// The endpoint's.
    pub(super) fn through(&self) -> PathBuf {
        self.directory.path().join("endpoint.sock")
    }

    /// Starts the driver again.
    pub(super) async fn serve_again(&mut self) {
        self.server = Some(serve(self.age, self.directory.path(), &self.flags).await);
    }

    /// What the driver has counted: `{started, ended, cancelled, overtime}`.
    pub(super) async fn counts(&self) -> Value {
        let client = TonicClient::connect(&self.direct()).await;
        let counts = "/flex2csi.testing.Server/Counts";
        let answer = client.call(counts, b"", &json!({})).await;
        let counts = answer.metadata("x-counts").expect("the server's counts");
        serde_json::from_str(counts).unwrap()
    }

    /// Waits until the driver has counted this many.
    pub(super) async fn counted(&self, what: &str, number: u64) {
        let reached = async {
            while self.counts().await[what] != number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
        if reached.is_err() {
            panic!("not {number} {what}: {}", self.counts().await);
        }
    }
}

async fn serve(age: Age, directory: &Path, flags: &[&str]) -> Process {
    let socket = directory.join("csi.sock");
    let server = grpc_server::start(age, DRIVER, &socket, directory, flags);
    server.await.unwrap()
}

/// The flag that hands a script to the server.
pub(super) fn script(script: &Value) -> String {
    format!("x-script={script}")
}

/// One call by grpc-go of both ages, to the driver itself and through the endpoint:
/// each pair of answers.
pub(super) async fn both_ways(
    rig: &Rig,
    method: &str,
    request: &Value,
    flags: &[&str],
) -> [(Value, Value); 2] {
    let pair = async |age| {
        let call = async |socket: PathBuf| {
            let client = GrpcClient::new(age, &socket).unwrap();
            let answer = client.call_with(Dial::Unix, method, request, flags).await;
            answer.unwrap()
        };
        tokio::join!(call(rig.direct()), call(rig.through()))
    };
    let [old, new] = Age::ALL;
    <[_; 2]>::from(tokio::join!(pair(old), pair(new)))
}

/// An answer without what differs from call to call.
pub(super) fn lasting(mut answer: Value) -> Value {
    if let Some(trailer) = answer["trailer"].as_object_mut() {
        trailer.remove("x-deadline-ms");
    }
    answer
}
