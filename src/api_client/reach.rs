//! Which cluster, for verbs that a person runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::{ClusterArgs, IN_CLUSTER, client_of};
use crate::exit::Usage;

/// Where kubectl looks for its configuration before `~/.kube/config`.
const KUBECONFIG: &str = "KUBECONFIG";
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Names a cluster as kubectl does: `--kubeconfig`, else `$KUBECONFIG`, else the
/// cluster that this is a pod of, else `~/.kube/config`.
#[derive(Debug, Clone, Default, Args)]
pub struct ReachArgs {
    /// How to reach the cluster; without it as kubectl would.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ReachArgs {
    /// A client of the cluster. Nothing is asked of it yet. The client belongs to
    /// the async runtime in which it is made.
    ///
    /// # Errors
    /// There is no configuration, or it cannot be used.
    pub async fn client(&self) -> Result<Client, Usage> {
        let in_cluster = std::env::var_os(IN_CLUSTER).is_some();
        let environment = std::env::var_os(KUBECONFIG).is_some();
        if self.kubeconfig.is_none() && (environment || self.context.is_some() || !in_cluster) {
            return self.as_kubectl().await;
        }
        let args = ClusterArgs {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        let client = args.client_that(plain).await;
        let client = client.map_err(|error| Usage(error.to_string()))?;
        client.ok_or_else(|| Usage("which cluster? give --kubeconfig".to_owned()))
    }

    /// The files of `$KUBECONFIG`, merged, or `~/.kube/config`.
    async fn as_kubectl(&self) -> Result<Client, Usage> {
        let unusable = |error: &dyn std::error::Error| {
            Usage(format!(
                "no cluster by $KUBECONFIG or ~/.kube/config: {error}; give --kubeconfig"
            ))
        };
        let kubeconfig = Kubeconfig::read().map_err(|error| unusable(&error))?;
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| unusable(&error))?;
        plain(&mut config);
        client_of(config, CONNECT_WITHIN).map_err(|error| unusable(&error))
    }
}

/// Who is told to wait has to hear it: kube would try again by itself up to fifteen
/// times, for so long as all others go on asking.
fn plain(config: &mut Config) {
    config.default_retry = false;
}
