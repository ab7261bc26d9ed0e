//! Which cluster, and a client of its API server.

mod identity;
mod reach;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

pub use identity::cluster_identity;
pub use reach::ReachArgs;

/// What kubelet tells each pod of its cluster.
const IN_CLUSTER: &str = "KUBERNETES_SERVICE_HOST";

/// Within a request's time there is room for a second try.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);

/// How the API server's audit log knows us.
const AGENT: &str = concat!("flex2csi/", env!("CARGO_PKG_VERSION"));

/// Names a cluster, as for kubectl. A daemon does not take `$KUBECONFIG` or
/// `~/.kube/config`: it is not to act on whatever cluster the shell that it was
/// started from was used for.
#[derive(Debug, Clone, Default, Args)]
pub struct ClusterArgs {
    /// How to reach the cluster, where this is not a pod of it.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig.
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub context: Option<String>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The kubeconfig is not there, or wrong, or has no such context.
    #[error("cannot use {}: {source}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<KubeconfigError>,
    },
    /// This is a pod that has no service account's token.
    #[error(
        "cannot use the pod's service account: {0}; give the pod a serviceAccountName, \
         and leave automountServiceAccountToken on"
    )]
    Pod(#[source] Box<InClusterError>),
    /// The address or a certificate cannot be used.
    #[error("cannot reach the cluster: {0}")]
    Client(#[source] Box<kube::Error>),
}

impl ClientError {
    /// Whether who gave the flags can help it.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Kubeconfig { .. })
    }
}

impl ClusterArgs {
    /// A client of the cluster that the flags name, or else of the one that this
    /// is a pod of; `None` where there is neither. Nothing is asked of it yet.
    /// The client belongs to the async runtime in which it is made.
    ///
    /// # Errors
    /// The configuration of the cluster that there is cannot be used.
    pub async fn client(&self) -> Result<Option<Client>, ClientError> {
        self.client_that(|_| {}).await
    }

    /// The same with a configuration that is changed first.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub async fn client_that(
        &self,
        change: impl FnOnce(&mut Config),
    ) -> Result<Option<Client>, ClientError> {
        let Some(mut config) = self.config().await? else {
            return Ok(None);
        };
        change(&mut config);
        client_of(config, CONNECT_WITHIN)
            .map(Some)
            .map_err(|error| ClientError::Client(Box::new(error)))
    }

    async fn config(&self) -> Result<Option<Config>, ClientError> {
        let Some(path) = &self.kubeconfig else {
            if std::env::var_os(IN_CLUSTER).is_none() {
                return Ok(None);
            }
            let config = Config::incluster();
            return config
                .map(Some)
                .map_err(|error| ClientError::Pod(Box::new(error)));
        };
        let unusable = |source| ClientError::Kubeconfig {
            path: path.clone(),
            source: Box::new(source),
        };
        let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        config.map(Some).map_err(unusable)
    }
}

/// A client that connects within a time, and that the API server knows as ours.
fn client_of(mut config: Config, connect_within: Duration) -> kube::Result<Client> {
    config.connect_timeout = Some(connect_within);
    let agent = (USER_AGENT, HeaderValue::from_static(AGENT));
    config.headers.push(agent);
    Client::try_from(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: one, context: {cluster: c, user: ''}}]
current-context: one
";

    async fn config(text: Option<&str>, context: Option<&str>) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kubeconfig");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let args = ClusterArgs {
            kubeconfig: Some(path.clone()),
            context: context.map(str::to_owned),
        };
        match args.config().await {
            Ok(config) => Ok(config.unwrap()),
            Err(error) => {
                assert!(error.is_usage(), "{error}");
                let said = error.to_string();
                assert!(said.starts_with(&format!("cannot use {}: ", path.display())));
                Err(said)
            }
        }
    }

    #[tokio::test]
    async fn a_kubeconfig_names_the_cluster() {
        for context in [None, Some("one")] {
            let config = config(Some(KUBECONFIG), context).await.unwrap();
            assert_eq!(config.cluster_url.to_string(), "https://127.0.0.1:1/");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_named() {
        let other = config(Some(KUBECONFIG), Some("other")).await.unwrap_err();
        assert!(other.contains("other"), "{other}");
        config(None, None).await.unwrap_err();
        config(Some("{"), None).await.unwrap_err();
        config(Some(""), None).await.unwrap_err();
    }
}
