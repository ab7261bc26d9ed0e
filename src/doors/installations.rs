//! The exec binaries of a node: installed for each driver of the configuration, as
//! it is and as it changes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use flex2csi_exec::installed::Capabilities;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::{self, PodName};
use crate::config::{Config, FlexVolume, Loaded};
use crate::flexvolume::volumes::Volumes;
use crate::installation::{
    Asking, FlexDriver, InstallError, Installation, Kept, NodeObjects, NodeVolumeNames, Restored,
    Told, Uninstaller, Wanted, installed_drivers, watch as look_after,
};
use crate::operations::Conditions;

/// How often each installation is looked at: a few stats, where all is well.
const EVERY: Duration = Duration::from_secs(5);
/// How often it is tried to uninstall what pods still need.
const UNINSTALL_EVERY: Duration = Duration::from_secs(60);

/// The exec binary's name, beside this program.
const EXEC_BINARY: &str = "flex2csi-exec";

/// What installing needs.
pub struct Installer {
    /// The configuration, as it changes.
    pub configs: watch::Receiver<Arc<Loaded>>,
    /// The exec binary.
    pub exec_binary: PathBuf,
    /// What the cluster knows of this node.
    pub objects: Arc<dyn NodeObjects>,
    /// What is mounted.
    pub volumes: Volumes,
    /// Whether all is installed.
    pub conditions: Conditions,
}

/// Where the exec binary is.
///
/// # Errors
/// It is not there.
pub fn exec_binary(flex_volume: &FlexVolume) -> anyhow::Result<PathBuf> {
    let path = match &flex_volume.exec_binary {
        Some(path) => path.clone(),
        None => {
            let program = std::env::current_exe().context("this program cannot find itself")?;
            program.with_file_name(EXEC_BINARY)
        }
    };
    anyhow::ensure!(
        path.is_file(),
        "the exec binary {} is not there: build it with `cargo build --release -p flex2csi-exec`, \
         or say where it is with `flexVolume.execBinary`",
        path.display()
    );
    Ok(path)
}

impl Installer {
    /// Makes each driver's installation a condition of being ready, before anybody can
    /// ask: without it kubelet has nobody to call.
    pub fn announce(&self) {
        let loaded = self.configs.borrow().clone();
        for wanted in self.wanted(&loaded.config) {
            self.conditions.add(condition(&wanted.driver));
        }
    }

    /// Looks after the installations until `shutdown`, and takes up new configurations.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut gone = self.installed_before().await;
        loop {
            let loaded = self.configs.borrow_and_update().clone();
            let wanted = self.wanted(&loaded.config);
            for wanted in &wanted {
                gone.remove(&wanted.driver);
            }
            let round = shutdown.child_token();
            let looked_after = look_after(
                wanted.iter().cloned().map(Installation::new).collect(),
                EVERY,
                self.objects.clone(),
                self.told(),
                round.clone(),
            );
            let changed = async {
                loop {
                    if self.configs.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    if drivers(&self.configs.borrow().config) != drivers(&loaded.config) {
                        round.cancel();
                        break;
                    }
                }
            };
            let uninstalled = uninstall_all(&loaded.config, &self.volumes, &mut gone, &round);
            tokio::join!(
                looked_after,
                async {
                    round.run_until_cancelled(changed).await;
                },
                uninstalled
            );
            if shutdown.is_cancelled() {
                return;
            }
            gone.extend(wanted.into_iter().map(|wanted| wanted.driver));
        }
    }

    /// The drivers that this daemon installed when it was here before. The
    /// configuration may have lost some while it was not, or while pods needed them.
    async fn installed_before(&self) -> BTreeSet<FlexDriver> {
        let config = self.configs.borrow().config.clone();
        let Some(FlexVolume { socket, .. }) = config.flex_volume else {
            return BTreeSet::new();
        };
        let plugins = config.kubelet.plugin_directory;
        let looked = tokio::task::spawn_blocking(move || installed_drivers(&plugins)).await;
        let Ok(Ok(found)) = looked else {
            // The installations say what is wrong with it.
            return BTreeSet::new();
        };
        let ours = found
            .into_iter()
            .filter(|found| found.socket.as_ref() == Some(&socket));
        ours.map(|found| found.driver).collect()
    }

    fn wanted(&self, config: &Config) -> Vec<Wanted> {
        let Some(flex_volume) = &config.flex_volume else {
            return Vec::new();
        };
        let drivers = flex_volume.drivers.iter();
        let wanted = drivers.filter_map(|driver| {
            // The configuration has checked the name.
            let name: FlexDriver = driver.driver.parse().ok()?;
            Some(Wanted {
                plugin_directory: config.kubelet.plugin_directory.clone(),
                kubelet_root: config.kubelet.root.clone(),
                driver: name,
                exec_binary: self.exec_binary.clone(),
                socket: flex_volume.socket.clone(),
                capabilities: Capabilities {
                    attach: false,
                    selinux_relabel: driver.selinux_relabel,
                    supports_metrics: driver.supports_metrics,
                    // The daemon does that itself, by the CSIDriver's policy.
                    fs_group: false,
                    requires_fs_resize: true,
                },
                timeout: flex_volume.timeout,
            })
        });
        wanted.collect()
    }

    /// Says of each driver whether it is installed.
    fn told(&self) -> Told {
        let conditions = self.conditions.clone();
        Box::new(
            move |driver: &FlexDriver, kept: &Result<Kept, InstallError>| {
                let condition = conditions.add(condition(driver));
                match kept {
                    Ok(_) => condition.met(),
                    Err(error) => condition.not_met(error.to_string()),
                }
            },
        )
    }
}

fn condition(driver: &FlexDriver) -> String {
    format!("FlexVolume driver {driver}")
}

fn drivers(config: &Config) -> Option<&[crate::config::FlexVolumeDriver]> {
    config.flex_volume.as_ref().map(|all| &*all.drivers)
}

/// Uninstalls drivers that are not configured any more, as soon as no pod needs them.
async fn uninstall_all(
    config: &Config,
    volumes: &Volumes,
    gone: &mut BTreeSet<FlexDriver>,
    round: &CancellationToken,
) {
    while !gone.is_empty() && !round.is_cancelled() {
        for driver in gone.clone() {
            let uninstaller = Uninstaller {
                plugin_directory: config.kubelet.plugin_directory.clone(),
                kubelet_root: config.kubelet.root.clone(),
                driver: driver.clone(),
                exec_binary: None,
            };
            let mounts = targets(volumes, &driver);
            let done = tokio::task::spawn_blocking(move || uninstaller.uninstall(&mounts)).await;
            match done {
                Ok(Ok(Restored::NothingThere)) => {}
                Ok(Ok(restored)) => tracing::info!(%driver, ?restored, "uninstalled"),
                Ok(Err(error)) => {
                    tracing::warn!(%driver, %error, "not uninstalled yet");
                    continue;
                }
                Err(error) => {
                    tracing::error!(%driver, %error, "uninstalling broke off");
                    continue;
                }
            }
            gone.remove(&driver);
        }
        if !gone.is_empty() {
            round
                .run_until_cancelled(tokio::time::sleep(UNINSTALL_EVERY))
                .await;
        }
    }
}

fn targets(volumes: &Volumes, driver: &FlexDriver) -> Vec<PathBuf> {
    let driver = driver.to_string();
    let listed = volumes.list().into_iter();
    let of_driver = listed.filter(|listed| *listed.legacy_driver == *driver);
    let mounts = of_driver.filter_map(|listed| listed.mount);
    mounts.map(|mount| mount.target.to_path_buf()).collect()
}

/// Nothing is known of a node without a cluster.
#[derive(Debug)]
pub struct NoCluster;

impl NodeObjects for NoCluster {
    fn node(&self) -> Asking<'_, Option<NodeVolumeNames>> {
        // There is nobody who could have attached anything.
        Box::pin(async { Some(NodeVolumeNames::default()) })
    }

    fn pods(&self) -> Asking<'_, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn is_ours(&self, _: &PodName) -> bool {
        false
    }
}

/// What the API server knows of this node.
pub struct InCluster {
    api: Arc<cluster::Api>,
    node: String,
}

impl InCluster {
    /// Asks it of a node.
    pub fn new(api: Arc<cluster::Api>, node: String) -> Self {
        Self { api, node }
    }
}

impl NodeObjects for InCluster {
    fn node(&self) -> Asking<'_, Option<NodeVolumeNames>> {
        Box::pin(async {
            match self.api.node(&self.node).await {
                Ok(node) => Some(NodeVolumeNames {
                    names: node.held().map(str::to_owned).collect(),
                }),
                Err(error) => {
                    tracing::warn!(%error, "it is not known what is left of original drivers");
                    None
                }
            }
        })
    }

    fn pods(&self) -> Asking<'_, Vec<String>> {
        Box::pin(async {
            let mut pods = Vec::new();
            if let Err(error) = self
                .api
                .pods_of_node(&self.node, |pod| pods.push(pod.to_owned()))
                .await
            {
                tracing::warn!(%error, "the pods of this node are not known");
            }
            pods
        })
    }

    fn is_ours(&self, pod: &PodName) -> bool {
        // With the host's network, the host's name is not the pod's.
        let name = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
        name.is_ok_and(|name| name == pod.name)
    }
}
