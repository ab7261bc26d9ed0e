//! kube-controller-manager: who binds claims, attaches volumes and runs workloads.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::component::Component;
use crate::{StartError, ports, programs};

const READY_WITHIN: Duration = Duration::from_secs(120);

/// How fast each of its controllers may call the API server: `--kube-api-qps`
/// and `--kube-api-burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiRate {
    /// Calls a second, in the long run.
    pub qps: u32,
    /// Calls at once after a pause.
    pub burst: u32,
}

impl ApiRate {
    /// What kube-controller-manager does without the flags, so what most
    /// clusters have (kubernetes v1.36.3,
    /// pkg/controller/apis/config/v1alpha1/defaults.go).
    pub const DEFAULT: Self = Self { qps: 20, burst: 30 };

    /// Fast enough to make a fleet of volumes in seconds.
    pub const FAST: Self = Self {
        qps: 500,
        burst: 1000,
    };
}

/// A running kube-controller-manager.
#[derive(Debug)]
pub struct ControllerManager {
    component: Component,
    port: u16,
    plugin_directory: PathBuf,
}

impl ControllerManager {
    /// Starts kube-controller-manager with its files and its log in `directory`.
    /// Where nodes are real, it declares those lost that fall silent, and gives
    /// `certificate`, the API server's, to pods.
    ///
    /// # Errors
    /// kube-controller-manager is not built, or does not start.
    pub async fn start(
        directory: &Path,
        kubeconfig: &Path,
        rate: ApiRate,
        certificate: Option<&Path>,
    ) -> Result<Self, StartError> {
        let program = programs::built("kube-controller-manager")?;
        let [port] = ports::free()?;
        // Not this machine's.
        let plugin_directory = directory.join("controller-plugins");
        let mut arguments = vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            "--leader-elect=false".to_owned(),
            format!("--kube-api-qps={}", rate.qps),
            format!("--kube-api-burst={}", rate.burst),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--flex-volume-plugin-dir={}", plugin_directory.display()),
            format!(
                "--cert-dir={}",
                directory.join("controller-certificates").display()
            ),
        ];
        if let Some(certificate) = certificate {
            arguments.push(format!("--root-ca-file={}", certificate.display()));
            arguments.push("--node-monitor-grace-period=25s".to_owned());
        } else {
            // It would declare nodes lost whose kubelet a test only imagines.
            arguments.push("--controllers=*,-node-lifecycle-controller".to_owned());
        }
        let component = Component::start("kube-controller-manager", program, arguments, directory)?;
        let started = Self {
            component,
            port,
            plugin_directory,
        };
        started.wait_ready().await?;
        Ok(started)
    }

    /// Where FlexVolume drivers can be put that attach (`--flex-volume-plugin-dir`).
    #[must_use]
    pub fn plugin_directory(&self) -> &Path {
        &self.plugin_directory
    }

    /// Ends it with SIGKILL: claims stay as they are until it starts again.
    pub async fn kill(&self) {
        self.component.kill().await;
    }

    /// Starts it again, on its port, and waits until it serves.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.component.start_again().await?;
        self.wait_ready().await
    }

    async fn wait_ready(&self) -> Result<(), StartError> {
        let probe = async || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .await
                .map(drop)
        };
        self.component.wait_ready(READY_WITHIN, probe).await
    }
}
