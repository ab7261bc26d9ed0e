//! etcd, the store behind kube-apiserver.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::process::Process;
use crate::{StartError, ports, programs};

const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running etcd of one member.
#[derive(Debug)]
pub struct Etcd {
    /// The running program.
    pub process: Process,
    /// Where clients reach it.
    pub url: String,
}

impl Etcd {
    /// Starts etcd with its data and its log in `directory`.
    ///
    /// # Errors
    /// etcd is not installed, or does not start.
    pub async fn start(directory: &Path) -> Result<Self, StartError> {
        let program = programs::installed("etcd")?;
        let [client, peer] = ports::free()?;
        let url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let arguments = [
            "--name=test".to_owned(),
            format!("--data-dir={}", directory.join("etcd").display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=test={peer_url}"),
            // Nothing here has to outlive the machine.
            "--unsafe-no-fsync".to_owned(),
        ];
        let mut process = Process::start("etcd", &program, arguments, directory)?;
        process
            .wait_ready(READY_WITHIN, async || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, client))
                    .await
                    .map(drop)
            })
            .await?;
        Ok(Self { process, url })
    }
}
