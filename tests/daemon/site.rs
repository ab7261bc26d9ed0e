//! A machine with a CSI driver on it: a directory that has the sockets.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flex2csi::csi::v1::GetPluginInfoResponse;
use flex2csi::grpc;
use http::HeaderMap;
use prost::Message as _;
use tempfile::TempDir;
use tonic::Code;

use crate::caller::{self, Answer};
use crate::daemon::{Daemon, until};
use crate::scripted::{Call, Reply, Scripted};

pub const EBS: &str = "ebs.csi.aws.com";
pub const EBS_ENDPOINT: &str = "ebs.csi.aws.com.flex2csi.io";

/// Answers with the request.
pub fn echo(call: &Call) -> Reply {
    Reply::message(call.message.clone())
}

/// The machine.
pub struct Site(TempDir);

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As arguments want it.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A backend that echoes, at a socket of this name.
    pub fn backend(&self, name: &str, driver: &str) -> Scripted {
        Scripted::serve(&self.path(name), driver, echo)
    }

    /// `flex2csi node` from `csi.sock` to `endpoint.sock`, without a configuration.
    pub fn node(&self, more: &[&str]) -> Daemon {
        self.single("node", more)
    }

    /// `flex2csi <verb>` from `csi.sock` to `endpoint.sock`, without a configuration.
    pub fn single(&self, verb: &str, more: &[&str]) -> Daemon {
        let (backend, endpoint) = (self.text("csi.sock"), self.text("endpoint.sock"));
        let state = self.text("state");
        let args = [verb, "--backend", &backend, "--endpoint", &endpoint];
        Daemon::start(args.iter().chain(&["--state", &state]).chain(more))
    }

    /// A text in which `/SITE` stands for this directory.
    pub fn here(&self, text: &str) -> String {
        text.replace("/SITE", self.0.path().to_str().unwrap())
    }

    /// Writes a file, [as here](Self::here).
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, self.here(text)).unwrap();
        path
    }

    /// `flex2csi <verb>` with the configuration in `config.yaml`.
    pub fn configured(&self, verb: &str) -> Daemon {
        Daemon::start([verb, "--config", &self.text("config.yaml")])
    }

    /// A call to the socket of this name.
    pub async fn call(&self, socket: &str, path: &str, message: impl AsRef<[u8]>) -> Answer {
        let body = grpc::frame(message.as_ref());
        caller::call(&self.path(socket), path, body, HeaderMap::new()).await
    }

    /// The answer to a call to `endpoint.sock` that is carried out.
    pub async fn carried_out(&self, path: &str, message: impl AsRef<[u8]>) -> Bytes {
        let answer = self.call("endpoint.sock", path, message).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.said);
        answer.message
    }

    /// Waits until an endpoint is served, and gives its name.
    pub async fn name_at(&self, socket: &str) -> String {
        name_at(&self.path(socket)).await
    }
}

/// Waits until an endpoint is served in front of a backend, and gives its name.
pub async fn name_at(socket: &Path) -> String {
    let what = format!("{} is served", socket.display());
    until(&what, async || {
        tokio::net::UnixStream::connect(socket).await.ok()?;
        let body = grpc::frame(b"");
        let path = "/csi.v1.Identity/GetPluginInfo";
        let answer = caller::call(socket, path, body, HeaderMap::new()).await;
        let info = GetPluginInfoResponse::decode(answer.message).unwrap();
        (answer.code == Code::Ok).then_some(info.name)
    })
    .await
}
