//! A cluster with a fleet in it, and who rewrites it with the rights of `deploy/rbac`.

use std::path::PathBuf;

use crate::controller_manager::ApiRate;
use crate::fleet::{Fleet, Size, Untrue};
use crate::proxy::Proxy;
use crate::tool::Tool;
use crate::users::User;
use crate::{Cluster, Setup, granted};

/// Where the Job runs.
const NAMESPACE: &str = "flex2csi-system";

/// A cluster with a fleet in it, and who rewrites it.
#[derive(Debug)]
pub struct Rewriter {
    /// The volumes, as they were.
    pub fleet: Fleet,
    /// Who rewrites them.
    pub user: User,
    /// The file for `--values`.
    pub values: PathBuf,
    /// The cluster.
    pub cluster: Cluster,
}

impl Rewriter {
    /// A cluster that binds at this rate, and so many volumes in it. The journal's
    /// definition is not installed.
    ///
    /// # Errors
    /// A program is missing, or the server refuses what is needed.
    pub async fn start(rate: ApiRate, pairs: usize) -> Result<Self, Untrue> {
        let user = User::service_account(NAMESPACE, "rewrite");
        let setup = Setup::binding(rate).user(user.clone());
        let cluster = Cluster::start_with(&setup).await.map_err(Untrue::of)?;
        grant(&cluster, &user).await?;
        let fleet = Fleet::make(&cluster, &Size::pairs(pairs)).await?;
        let values = fleet.values_file(&cluster).map_err(Untrue::of)?;
        Ok(Self {
            fleet,
            user,
            values,
            cluster,
        })
    }

    /// The program with these arguments, called as it would be from a Job: through a
    /// proxy, if there is one.
    ///
    /// # Errors
    /// The program is not built, or no kubeconfig can be written.
    pub fn tool(&self, verb: &str, proxy: Option<&Proxy>) -> Result<Tool, Untrue> {
        let kubeconfig = match proxy {
            Some(proxy) => proxy
                .kubeconfig(&self.cluster, &self.user)
                .map_err(Untrue::of)?,
            None => self.cluster.kubeconfig_of(&self.user),
        };
        let tool = Tool::flex2csi().map_err(Untrue::of)?;
        let tool = tool.arguments([verb]).kubeconfig(&kubeconfig);
        Ok(match verb {
            "plan" | "rewrite" => tool.arguments(["--values".as_ref(), self.values.as_os_str()]),
            _ => tool,
        })
    }

    /// A path in the cluster's directory.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.cluster.directory().join(name).display().to_string()
    }
}

/// Gives a user what `deploy/rewrite` gives each Job, and no more: Secrets cannot be
/// read, so volumes are not blocked for lack of those that a test does not have.
///
/// # Errors
/// The server refuses it.
pub async fn grant(cluster: &Cluster, user: &User) -> Result<(), Untrue> {
    let granted = granted::granted(cluster, user, &granted::OF_EACH_REWRITE);
    granted.await.map_err(Untrue::of)
}
