//! Where a daemon looks PersistentVolumes up.

use anyhow::Context as _;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::DaemonArgs;
use crate::config::Config;
use crate::endpoint::LegacyVolumes;
use crate::exit::Usage;

/// What kubelet tells each pod of its cluster.
const IN_CLUSTER: &str = "KUBERNETES_SERVICE_HOST";

/// Files where the configuration names them, else the cluster that the flags name
/// or that this is a pod of.
///
/// # Errors
/// The cluster's configuration cannot be read.
pub async fn legacy_volumes(args: &DaemonArgs, config: &Config) -> anyhow::Result<LegacyVolumes> {
    if !config.persistent_volumes.is_empty() {
        return Ok(LegacyVolumes::Files(config.persistent_volumes.clone()));
    }
    let config = match &args.kubeconfig {
        Some(file) => {
            let unusable = |error| Usage(format!("cannot use {}: {error}", file.display()));
            let kubeconfig = Kubeconfig::read_from(file).map_err(unusable)?;
            let options = KubeConfigOptions {
                context: args.context.clone(),
                ..KubeConfigOptions::default()
            };
            kube::Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(unusable)?
        }
        None if std::env::var_os(IN_CLUSTER).is_some() => {
            kube::Config::incluster().context("cannot use the pod's service account")?
        }
        None => {
            tracing::info!(
                "no cluster and no persistentVolumes: volumes that were written without a value \
                 are known only where they are staged"
            );
            return Ok(LegacyVolumes::None);
        }
    };
    let client = kube::Client::try_from(config).context("cannot reach the cluster")?;
    Ok(LegacyVolumes::Cluster(Box::new(client)))
}
