//! A node of the lab: a machine with containerd and kubelet.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::Api;
use tokio::sync::Mutex;

use crate::{Cluster, StartError};

use super::cgroups;
use super::machine::{Machine, Program};
use super::network::Network;
use super::{containerd, kubelet};

const READY_WITHIN: Duration = Duration::from_secs(240);

/// A node, which can be lost and booted again.
#[derive(Debug)]
pub struct Node {
    name: String,
    index: u8,
    directory: PathBuf,
    shared: PathBuf,
    init: AtomicU32,
    running: Mutex<Option<Running>>,
}

// Dropped in this order: kubelet would start again what ends.
#[derive(Debug)]
struct Running {
    kubelet: Program,
    containerd: Program,
    machine: Machine,
}

impl Node {
    /// A node that is not running yet, with its files in `lab`.
    pub(super) fn new(lab: &Path, name: &str, index: u8) -> Self {
        Self {
            name: name.to_owned(),
            index,
            directory: lab.join(name),
            shared: lab.join("shared"),
            init: AtomicU32::new(0),
            running: Mutex::new(None),
        }
    }

    /// Its name in the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path of the node, as it can be opened from here, mounts and all.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        let init = self.init.load(Ordering::Relaxed);
        PathBuf::from(format!("/proc/{init}/root{path}"))
    }

    /// What is mounted on the node, in the form of `/proc/self/mountinfo`; empty
    /// while it is down.
    #[must_use]
    pub fn mounts(&self) -> String {
        let init = self.init.load(Ordering::Relaxed);
        std::fs::read_to_string(format!("/proc/{init}/mountinfo")).unwrap_or_default()
    }

    /// Runs a program of this machine on the node, to its end, and gives what it prints.
    ///
    /// # Errors
    /// The node is down, or the program fails; then with its words.
    pub async fn run<A: AsRef<str>>(
        &self,
        command: impl IntoIterator<Item = A>,
    ) -> Result<String, StartError> {
        let running = self.running.lock().await;
        let machine = running.as_ref().map(|running| &running.machine);
        machine.ok_or_else(|| self.down())?.run(command).await
    }

    /// Boots it, and waits until the cluster knows it to be ready.
    ///
    /// # Errors
    /// containerd or kubelet does not start.
    pub(super) async fn boot(
        &self,
        cluster: &Cluster,
        network: &Network,
    ) -> Result<(), StartError> {
        let mut running = self.running.lock().await;
        drop(running.take());
        for directory in [&self.directory, &self.shared] {
            std::fs::create_dir_all(directory).map_err(|source| StartError::File {
                path: directory.clone(),
                source,
            })?;
        }
        let machine = Machine::start(&self.name, &self.directory, &self.shared).await?;
        self.init.store(machine.init(), Ordering::Relaxed);
        let port = cluster.apiserver.admin.cluster_url.port_u16();
        let port = port.unwrap_or(443);
        network.connect(self.index, machine.init(), port).await?;
        let state = self.directory.join("root").join(&containerd::STATE[1..]);
        let containerd = containerd::start(&machine, self.index, &state).await?;
        let address = network.node(self.index);
        let kubelet = kubelet::start(&machine, cluster, &self.name, address, &state)?;
        wait_ready(&kubelet, cluster, &self.name).await?;
        *running = Some(Running {
            kubelet,
            containerd,
            machine,
        });
        Ok(())
    }

    /// Starts kubelet again, and waits until the cluster has heard of it since. One
    /// that runs is killed first.
    ///
    /// # Errors
    /// The node is down, or kubelet does not start.
    pub async fn start_kubelet(&self, cluster: &Cluster) -> Result<(), StartError> {
        let running = self.running.lock().await;
        let running = running.as_ref().ok_or_else(|| self.down())?;
        running.kubelet.kill().await;
        running.kubelet.start_again().await?;
        wait_ready(&running.kubelet, cluster, &self.name).await
    }

    /// Loses the node, as in a power failure: whatever runs on it has ended, whatever
    /// is mounted on it is gone.
    pub async fn lose(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.kubelet.kill().await;
            running.containerd.kill().await;
            drop(running.machine);
        }
        cgroups::remove(&self.directory.join("root"));
    }

    fn down(&self) -> StartError {
        StartError::Missing {
            program: self.name.clone(),
            reason: "the node is down".to_owned(),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.running.get_mut().take());
        cgroups::remove(&self.directory.join("root"));
    }
}

/// Waits until kubelet has said by itself, after this moment, that it is ready.
async fn wait_ready(kubelet: &Program, cluster: &Cluster, node: &str) -> Result<(), StartError> {
    let nodes: Api<NodeObject> = Api::all(cluster.client()?);
    let before = heartbeat(&nodes, node).await.ok();
    let ready = async || match heartbeat(&nodes, node).await {
        Ok(beat) if Some(&beat) == before.as_ref() => Err(format!("{node} is silent")),
        Ok((is_ready, _)) if is_ready => Ok(()),
        Ok(_) => Err(format!("{node} is not ready")),
        Err(error) => Err(error.to_string()),
    };
    kubelet.wait_ready(READY_WITHIN, ready).await
}

/// Whether a node is ready, and the text of when it last said so.
async fn heartbeat(nodes: &Api<NodeObject>, name: &str) -> Result<(bool, String), kube::Error> {
    let node = nodes.get(name).await?;
    let conditions = node.status.and_then(|status| status.conditions);
    let ready = conditions.unwrap_or_default().into_iter();
    let ready = ready
        .into_iter()
        .find(|condition| condition.type_ == "Ready");
    Ok(ready.map_or((false, String::new()), |ready| {
        (
            ready.status == "True",
            format!("{:?}", ready.last_heartbeat_time),
        )
    }))
}
