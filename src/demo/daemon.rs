//! The node daemon of the demonstration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::backend::Backend;
use super::children::Role;
use super::place::Place;

/// How long the exec binary may take to be in place.
const INSTALLED: Duration = Duration::from_secs(20);

/// What the daemon serves.
#[derive(Debug, Clone)]
pub(super) struct NodeDaemon {
    config: PathBuf,
    log: PathBuf,
    /// The CSI endpoint in front of the in-tree volume's driver.
    pub endpoint: PathBuf,
    executable: PathBuf,
}

impl NodeDaemon {
    /// Writes its configuration.
    pub fn configure(
        place: &Place,
        flex_volume: (&str, Backend),
        in_tree: Backend,
    ) -> anyhow::Result<Self> {
        let (driver, flex_backend) = flex_volume;
        let kubelet = place.kubelet();
        let endpoint = place.below("endpoint.sock");
        let config = json!({
            "kubelet": {"root": kubelet.root, "pluginDirectory": kubelet.plugins},
            "state": place.below("state"),
            "persistentVolumes": [place.below("cluster.yaml")],
            "flexVolume": {"drivers": [{"driver": driver}]},
            "backends": [
                {"driver": flex_backend.driver, "socket": flex_backend.socket(place)},
                {
                    "driver": in_tree.driver,
                    "socket": in_tree.socket(place),
                    "endpoint": {"socket": endpoint, "register": false},
                },
            ],
        });
        let file = place.below("config.yaml");
        // JSON is YAML.
        fs_err::write(&file, serde_json::to_string_pretty(&config)?)?;
        let name = driver.rsplit('/').next().unwrap_or(driver);
        Ok(Self {
            config: file,
            log: place.below("node.log"),
            endpoint,
            executable: kubelet.plugins.join(driver.replace('/', "~")).join(name),
        })
    }

    /// Starts it, and waits until the exec binary is in place.
    pub async fn start(&self) -> anyhow::Result<Role> {
        let args = [
            "node".as_ref(),
            "--config".as_ref(),
            self.config.as_os_str(),
        ];
        let daemon = Role::start("node daemon", args, &self.endpoint, self.log.clone()).await?;
        let installed = async {
            while !is_file(&self.executable) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(INSTALLED, installed).await {
            Ok(()) => Ok(daemon),
            Err(_) => {
                let log =
                    std::fs::read_to_string(&self.log).context("the node daemon logged nothing")?;
                bail!("the node daemon has not installed the exec binary: {log}")
            }
        }
    }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
