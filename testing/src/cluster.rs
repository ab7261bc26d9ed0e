//! A control plane of a test's own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use kube::Client;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::apiserver::{ApiServer, Serving};
use crate::controller_manager::{ApiRate, ControllerManager};
use crate::etcd::Etcd;
use crate::tool::Tool;
use crate::users::User;
use crate::{StartError, programs};

/// How often a start is tried when others keep taking its ports.
const START_ATTEMPTS: usize = 3;

/// The cluster that tests share, as long as one of them holds it.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

/// What a cluster is made of beside etcd and a plain kube-apiserver.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// kube-controller-manager, and how fast it calls.
    pub controllers: Option<ApiRate>,
    /// What is asked of kube-apiserver.
    pub serving: Serving,
}

impl Setup {
    /// A cluster that binds claims, and in which everything that happens to an
    /// object can be read afterwards.
    #[must_use]
    pub fn binding(rate: ApiRate) -> Self {
        Self {
            controllers: Some(rate),
            serving: Serving {
                recorded: true,
                ..Serving::default()
            },
        }
    }

    /// A cluster in which everything that happens to an object can be read afterwards.
    #[must_use]
    pub fn recording() -> Self {
        Self {
            controllers: None,
            ..Self::binding(ApiRate::FAST)
        }
    }

    /// Adds somebody who may call, with the rights that a test grants.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.serving.users.push(user);
        self
    }
}

/// etcd, kube-apiserver and, if asked for, kube-controller-manager, running
/// until the handle is dropped.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: who uses the other ends first, the files go last.
    controllers: Option<ControllerManager>,
    /// kube-apiserver.
    pub apiserver: ApiServer,
    /// etcd.
    pub etcd: Etcd,
    directory: TempDir,
}

impl Cluster {
    /// Starts a cluster, empty but for what kube-apiserver makes itself.
    ///
    /// # Errors
    /// A program is missing, or does not start.
    pub async fn start() -> Result<Self, StartError> {
        Self::start_with(&Setup::default()).await
    }

    /// Starts a cluster made of what `setup` says.
    ///
    /// # Errors
    /// A program is missing, or does not start.
    pub async fn start_with(setup: &Setup) -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::try_start(setup).await {
                Err(error) if error.is_port_taken() && attempt < START_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// The cluster that another test of this process holds, or a new one. For
    /// tests that change nothing, or only objects of their own.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn shared() -> Result<Arc<Self>, StartError> {
        let mut shared = SHARED.lock().await;
        if let Some(cluster) = shared.upgrade() {
            return Ok(cluster);
        }
        let cluster = Arc::new(Self::start().await?);
        *shared = Arc::downgrade(&cluster);
        Ok(cluster)
    }

    async fn try_start(setup: &Setup) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new()
            .prefix("flex2csi-cluster-")
            .tempdir()
            .map_err(|source| StartError::System {
                what: "no temporary directory",
                source,
            })?;
        let etcd = Etcd::start(directory.path()).await?;
        let apiserver = ApiServer::start(directory.path(), &etcd.url, &setup.serving).await?;
        let controllers = match setup.controllers {
            Some(rate) => {
                let kubeconfig = User::controllers().kubeconfig(directory.path());
                let has_nodes = setup.serving.nodes_at.is_some();
                let certificate = has_nodes.then_some(apiserver.certificate.as_path());
                let path = directory.path();
                Some(ControllerManager::start(path, &kubeconfig, rate, certificate).await?)
            }
            None => None,
        };
        Ok(Self {
            controllers,
            apiserver,
            etcd,
            directory,
        })
    }

    /// A new client of the cluster's administrator. A client belongs to the
    /// async runtime, so to the test, in which it is made.
    ///
    /// # Errors
    /// The cluster's certificate is not usable.
    pub fn client(&self) -> Result<Client, StartError> {
        Ok(Client::try_from(self.apiserver.admin.clone())?)
    }

    /// The administrator's kubeconfig, for programs.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of(&User::admin())
    }

    /// The kubeconfig of somebody whom [`Setup::user`] added.
    #[must_use]
    pub fn kubeconfig_of(&self, user: &User) -> PathBuf {
        user.kubeconfig(self.directory.path())
    }

    /// kube-controller-manager.
    ///
    /// # Panics
    /// The cluster was set up without.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
    pub fn controllers(&self) -> &ControllerManager {
        self.controllers
            .as_ref()
            .expect("the cluster's setup has controllers")
    }

    /// Runs kubectl as the administrator, and gives what it prints.
    ///
    /// # Errors
    /// It is not built, or the server refuses what is asked; then with kubectl's words.
    pub async fn kubectl<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, StartError> {
        let tool = Tool::new(programs::built("kubectl")?).kubeconfig(&self.kubeconfig());
        let ended = tool.arguments(arguments).run().await?;
        if ended.code == Some(0) {
            return Ok(ended.stdout);
        }
        Err(StartError::Exited {
            program: "kubectl".to_owned(),
            status: format!("{:?}", ended.code),
            log: ended.stderr,
        })
    }

    /// Installs the definitions of `deploy/crds` and waits until they are served.
    ///
    /// # Errors
    /// As [`Cluster::kubectl`].
    pub async fn install_definitions(&self) -> Result<(), StartError> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crds");
        self.kubectl(["apply", "--server-side", "-k", directory])
            .await?;
        let wait = [
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "customresourcedefinitions",
            "--all",
        ];
        self.kubectl(wait).await.map(drop)
    }

    /// Where the cluster keeps its files, its logs among them.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
