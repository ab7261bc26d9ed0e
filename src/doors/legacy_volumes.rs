//! Where a daemon looks PersistentVolumes up.

use super::DaemonArgs;
use crate::config::Config;
use crate::endpoint::LegacyVolumes;
use crate::exit::Usage;

/// Files where the configuration names them, else the cluster that the flags name
/// or that this is a pod of.
///
/// # Errors
/// The cluster's configuration cannot be read.
pub async fn legacy_volumes(args: &DaemonArgs, config: &Config) -> anyhow::Result<LegacyVolumes> {
    if !config.persistent_volumes.is_empty() {
        return Ok(LegacyVolumes::Files(config.persistent_volumes.clone()));
    }
    match args.cluster.client().await {
        Ok(Some(client)) => Ok(LegacyVolumes::Cluster(Box::new(client))),
        Ok(None) => {
            tracing::info!(
                "no cluster and no persistentVolumes: volumes that were written without a value \
                 are known only where they are staged"
            );
            Ok(LegacyVolumes::None)
        }
        Err(error) if error.is_usage() => Err(Usage(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}
