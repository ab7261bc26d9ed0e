//! The API server.

mod csi_drivers;
mod error;
mod fetch;
mod handles;
mod held;
mod list;
mod originals;

use kube::Client;
use serde_json::value::RawValue;

use self::csi_drivers::CsiDrivers;
use self::handles::Handles;
use self::list::List;
use self::originals::Originals;
use super::object::{Kind, Object, Objects};
use super::{
    Asked, CalledVolume, Cluster, ClusterError, CsiDriver, FoundVolume, PodName, SecretName,
    SecretValues, VolumeId, csi_driver, pod_volume, secret,
};
use crate::objects::node::Node;

pub use self::originals::{OriginalOn, Why};

/// The API server, as a node's daemon asks it. Each request has ten seconds, in
/// which it is tried again; PersistentVolumes, claims and pods are never
/// remembered.
///
/// Its rights are in `deploy/rbac/node-reads.yaml` and `node-attach.yaml`.
pub struct Api {
    client: Client,
    node: String,
    csi_drivers: CsiDrivers,
    handles: Handles,
    originals: Originals,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Api {
    /// Asks through a client for a node.
    pub fn new(client: Client, node: impl Into<String>) -> Self {
        Self {
            client,
            node: node.into(),
            csi_drivers: CsiDrivers::default(),
            handles: Handles::default(),
            originals: Originals::default(),
        }
    }

    /// The name of the PersistentVolume in CSI form that has a driver and handle,
    /// if there is one. All are gone through, in pages; the answer that there is
    /// none may be 30 seconds old.
    ///
    /// # Errors
    /// PersistentVolumes cannot be listed.
    pub async fn csi_volume_with(&self, volume: &VolumeId) -> Result<Option<String>, ClusterError> {
        self.handles.find(&self.client, volume).await
    }

    /// The other node on which the original driver has a PersistentVolume, or may have
    /// it, if there is one; the answer that there is none may be ten seconds old.
    ///
    /// # Errors
    /// Nodes, what they have mounted, or pods cannot be listed.
    pub async fn original_elsewhere(
        &self,
        persistent_volume: &str,
    ) -> Result<Option<OriginalOn>, ClusterError> {
        let volume = async || {
            let object = Object::of_cluster(Kind::PersistentVolume, persistent_volume);
            self.get(&object).await
        };
        let found = self
            .originals
            .find(&self.client, &self.node, persistent_volume, volume);
        found.await
    }

    /// A Node.
    ///
    /// # Errors
    /// [`ClusterError::NotFound`] where there is none; it cannot be had.
    pub async fn node(&self, name: &str) -> Result<Node, ClusterError> {
        let object = Object::of_cluster(Kind::Node, name);
        let json = self.get(&object).await?;
        object.read(&json)
    }

    /// Shows each pod of a node, JSON as the items of a list have it: without
    /// kind and apiVersion.
    ///
    /// # Errors
    /// Pods cannot be listed. Some may have been shown by then.
    pub async fn pods_of_node(
        &self,
        node: &str,
        mut see: impl FnMut(&str) + Send,
    ) -> Result<(), ClusterError> {
        let pods = List::pods_of(node);
        let see = |pod: Box<RawValue>| see(pod.get());
        pods.each(&self.client, see).await
    }
}

impl Objects for Api {
    const ARE_STORED: bool = true;

    async fn get(&self, object: &Object) -> Result<String, ClusterError> {
        fetch::object(&self.client, object).await
    }
}

impl Cluster for Api {
    fn volume<'a>(&'a self, called: &'a CalledVolume) -> Asked<'a, FoundVolume> {
        Box::pin(pod_volume::find(self, called))
    }

    fn secret<'a>(&'a self, name: &'a SecretName) -> Asked<'a, SecretValues> {
        Box::pin(async {
            let object = Object::secret(name);
            let json = self.get(&object).await?;
            secret::values(&object, &json)
        })
    }

    fn csi_driver<'a>(&'a self, driver: &'a str) -> Asked<'a, CsiDriver> {
        Box::pin(async {
            if let Some(known) = self.csi_drivers.known(driver) {
                return Ok(known);
            }
            let object = Object::of_cluster(Kind::CsiDriver, driver);
            let found = match self.get(&object).await {
                Ok(json) => csi_driver::read(&object, &json)?,
                Err(ClusterError::NotFound { .. }) => CsiDriver::default(),
                Err(error) => return Err(error),
            };
            self.csi_drivers.learn(driver, &found);
            Ok(found)
        })
    }

    fn holds<'a>(&'a self, volume: &'a VolumeId, pods: &'a [PodName]) -> Asked<'a, bool> {
        Box::pin(async {
            let held = held::is_held(self, &self.node, volume, pods).await;
            Ok(held.unwrap_or_else(|error| {
                tracing::warn!(
                    driver = volume.driver, handle = volume.handle, %error,
                    "nobody says whether kubelet still needs the volume; it is left staged"
                );
                true
            }))
        })
    }

    fn attached(&self) -> Asked<'_, Vec<String>> {
        Box::pin(async {
            let node = self.node(&self.node).await?;
            Ok(node.attached().map(str::to_owned).collect())
        })
    }
}

#[cfg(test)]
mod tests;
