//! A whole cluster on this machine: a control plane, and two nodes on which real
//! kubelets run pods, with everything that is needed for it.
//!
//! Each node is a set of namespaces with its own kubelet directory, plugin
//! directory, containerd and address, so what is in `deploy/` runs on it as it
//! is. This machine's own mounts and network are left alone, but for one network
//! interface while the lab is up. Labs do not see each other.

pub mod attachments;
pub mod backend;
mod cgroups;
mod command;
mod containerd;
pub mod images;
mod kept;
mod kubelet;
mod machine;
mod network;
mod node;
pub mod pod;
mod scheduler;
pub mod sidecars;
pub mod story;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

use crate::apiserver::Serving;
use crate::controller_manager::ApiRate;
use crate::process::Process;
use crate::users::User;
use crate::{Cluster, Setup, StartError};

pub use attachments::Attachments;
pub use backend::Backend;
use network::Network;
pub use node::Node;
pub use pod::Pod;
pub use sidecars::Sidecars;
pub use story::{Started, Story};

/// The nodes.
pub const NODES: [&str; 2] = ["node-1", "node-2"];

/// The lab that tests share, as long as one of them holds it.
static SHARED: Mutex<Weak<Lab>> = Mutex::const_new(Weak::new());

/// A control plane and two nodes, running until the handle is dropped.
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: who uses the other ends first, the files go last.
    _scheduler: Process,
    /// snapshot-controller, once somebody has asked for it.
    snapshots: OnceCell<Process>,
    nodes: Vec<Node>,
    /// The control plane.
    pub cluster: Cluster,
    network: Network,
    /// Whether flex2csi is installed.
    installed: OnceCell<()>,
    failed: AtomicBool,
    directory: TempDir,
}

impl Lab {
    /// Starts a lab, and waits until both nodes are ready.
    ///
    /// # Errors
    /// A program or the images are missing, or something does not start.
    pub async fn start() -> Result<Self, StartError> {
        let directory = tempfile::Builder::new()
            .prefix("flex2csi-lab-")
            .tempdir()
            .map_err(|source| StartError::System {
                what: "no temporary directory",
                source,
            })?;
        let network = Network::start(directory.path()).await?;
        let cluster = Cluster::start_with(&setup(&network)).await?;
        let scheduler = scheduler::start(&cluster).await?;
        let nodes: Vec<Node> = NODES
            .iter()
            .zip(1..)
            .map(|(name, index)| Node::new(directory.path(), name, index))
            .collect();
        let lab = Self {
            _scheduler: scheduler,
            snapshots: OnceCell::new(),
            nodes,
            cluster,
            network,
            installed: OnceCell::new(),
            failed: AtomicBool::new(false),
            directory,
        };
        let booting = lab
            .nodes
            .iter()
            .map(|node| node.boot(&lab.cluster, &lab.network));
        let booted = futures::future::try_join_all(booting).await;
        if booted.is_err() {
            lab.failed.store(true, Ordering::Relaxed);
        }
        booted?;
        Ok(lab)
    }

    /// The lab that another test of this process holds, or a new one. For tests
    /// that leave the nodes as they are, and keep to a namespace of their own.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub async fn shared() -> Result<Arc<Self>, StartError> {
        let mut shared = SHARED.lock().await;
        if let Some(lab) = shared.upgrade() {
            return Ok(lab);
        }
        let lab = Arc::new(Self::start().await?);
        *shared = Arc::downgrade(&lab);
        Ok(lab)
    }

    /// A node, by its name.
    ///
    /// # Panics
    /// There is none of this name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
    pub fn node(&self, name: &str) -> &Node {
        let node = self.nodes.iter().find(|node| node.name() == name);
        node.expect("the lab has nodes node-1 and node-2")
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Boots a node that was lost.
    ///
    /// # Errors
    /// Something on it does not start.
    pub async fn boot(&self, node: &str) -> Result<(), StartError> {
        self.node(node).boot(&self.cluster, &self.network).await
    }

    /// Starts a node's kubelet again; one that runs is killed first.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart_kubelet(&self, node: &str) -> Result<(), StartError> {
        self.node(node).start_kubelet(&self.cluster).await
    }

    /// Applies a directory with a `kustomization.yaml`, relative to the root of the
    /// repository, as an operator does: `kubectl apply -k`.
    ///
    /// # Errors
    /// kubectl's words.
    pub async fn apply(&self, directory: &str) -> Result<(), StartError> {
        let path = repository(directory);
        let arguments = ["apply", "--server-side", "-k", &path];
        self.kubectl(arguments).await.map(drop)
    }

    /// Waits until a rollout, as `daemonset/flex2csi-node`, is complete.
    ///
    /// # Errors
    /// kubectl's words, when it is not within four minutes.
    pub async fn rolled_out(&self, namespace: &str, workload: &str) -> Result<(), StartError> {
        let arguments = [
            "rollout",
            "status",
            "-n",
            namespace,
            workload,
            "--timeout=240s",
        ];
        self.kubectl(arguments).await.map(drop)
    }

    /// Runs kubectl as the administrator, and gives what it prints.
    ///
    /// # Errors
    /// kubectl's words.
    pub async fn kubectl<A: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, StartError> {
        self.cluster.kubectl(arguments).await
    }

    /// The directory that all nodes have at `/var/lib/hostpath.flex2csi.io`, as a
    /// storage system that they share.
    #[must_use]
    pub fn shared_directory(&self) -> std::path::PathBuf {
        self.directory.path().join("shared")
    }

    /// Has the logs kept, since a test failed.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.failed.load(Ordering::Relaxed) || std::thread::panicking() {
            kept::keep(self.directory.path(), self.cluster.directory());
        }
        // Nodes first, then what they have taken of this machine.
        self.nodes.clear();
        kept::detach_loop_devices(&self.shared_directory());
    }
}

fn setup(network: &Network) -> Setup {
    let serving = Serving {
        nodes_at: Some(network.host()),
        users: NODES.iter().map(|node| User::kubelet(node)).collect(),
        recorded: true,
    };
    let setup = Setup {
        controllers: Some(ApiRate::FAST),
        serving,
    };
    setup.user(User::scheduler())
}

/// A path in the repository.
fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).display().to_string()
}
