//! Reads the cluster, list by list.

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde::de::DeserializeOwned;

use super::{
    Attachments, Claims, CsiDrivers, Handles, Held, Installers, Migrations, NodeVolumes, Nodes,
    Pods, Snapshots, Workloads,
};
use crate::api_request::ask::AskError;
use crate::api_request::pages::Pages;
use crate::objects::metadata::Named;

/// What the cluster has beside the legacy objects themselves.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Which volume has which handle.
    pub handles: Handles,
    /// The claims of legacy volumes.
    pub claims: Claims,
    /// The pods that name them.
    pub pods: Pods,
    /// What makes these pods.
    pub workloads: Workloads,
    /// VolumeAttachments.
    pub attachments: Attachments,
    /// Nodes, with what they have of CSI.
    pub nodes: Nodes,
    /// What nodes have in use or attached.
    pub held: Held,
    /// How CSI drivers are served.
    pub csi_drivers: CsiDrivers,
    /// What the node daemons say.
    pub node_volumes: NodeVolumes,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// DaemonSets that put legacy drivers on nodes.
    pub installers: Installers,
    /// Rewrites that are under way.
    pub migrations: Migrations,
    /// What could not be read, and need not be.
    pub unread: Vec<Unread>,
}

/// A kind of objects that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What they are.
    pub what: &'static str,
    /// What the server says.
    pub why: String,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Without these nothing can be said.
    #[error("{what} cannot be listed, and no plan is possible without them: {source}{}", remedy(.source))]
    Needed {
        /// What they are.
        what: &'static str,
        /// Why not.
        source: AskError,
    },
    /// An object is not as the API says.
    #[error("{what} {name} cannot be read: {reason}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Which.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn remedy(error: &AskError) -> &'static str {
    match error {
        AskError::Forbidden { .. } => "; `flex2csi plan --rbac` prints the rights that it needs",
        _ => "",
    }
}

/// One kind of objects, as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// What they are, in messages.
    pub what: &'static str,
    /// Where they are listed.
    pub path: &'static str,
}

/// `StorageClass`
pub const CLASSES: Listed = listed("StorageClasses", "/apis/storage.k8s.io/v1/storageclasses");
/// `PersistentVolume`
pub const VOLUMES: Listed = listed("PersistentVolumes", "/api/v1/persistentvolumes");
/// `Pod`
pub const PODS: Listed = listed("Pods", "/api/v1/pods");
/// `PersistentVolumeClaim`
pub const CLAIMS: Listed = listed("PersistentVolumeClaims", "/api/v1/persistentvolumeclaims");
const NODES: Listed = listed("Nodes", "/api/v1/nodes");
const CSI_NODES: Listed = listed("CSINodes", "/apis/storage.k8s.io/v1/csinodes");
const CSI_DRIVERS: Listed = listed("CSIDrivers", "/apis/storage.k8s.io/v1/csidrivers");
const ATTACHMENTS: Listed = listed(
    "VolumeAttachments",
    "/apis/storage.k8s.io/v1/volumeattachments",
);
/// `DaemonSet`
pub const DAEMON_SETS: Listed = listed("DaemonSets", "/apis/apps/v1/daemonsets");
const NODE_VOLUMES: Listed = listed("NodeVolumes", "/apis/flex2csi.io/v1alpha1/nodevolumes");
/// `VolumeMigration`
pub const MIGRATIONS: Listed = listed(
    "VolumeMigrations",
    "/apis/flex2csi.io/v1alpha1/volumemigrations",
);
/// `HorizontalPodAutoscaler`
pub const AUTOSCALERS: Listed = listed(
    "HorizontalPodAutoscalers",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
);
const SNAPSHOTS: Listed = listed(
    "VolumeSnapshotContents",
    "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
);

const fn listed(what: &'static str, path: &'static str) -> Listed {
    Listed { what, path }
}

impl Listed {
    /// An object of this kind, of which this is read.
    ///
    /// # Errors
    /// It is not as the API says.
    pub fn read<'a, T: serde::Deserialize<'a>>(self, json: &'a str) -> Result<T, LoadError> {
        serde_json::from_str(json).map_err(|error| {
            let named: Named = serde_json::from_str(json).unwrap_or_default();
            LoadError::Unreadable {
                what: self.what,
                name: named.metadata.name,
                // serde's text may show values.
                reason: format!("line {}, column {}", error.line(), error.column()),
            }
        })
    }
}

/// Reads every object of a kind.
///
/// # Errors
/// They cannot be listed, or one cannot be taken.
pub async fn each(
    client: &Client,
    listed: Listed,
    mut take: impl FnMut(&str) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let needed = |source| LoadError::Needed {
        what: listed.what,
        source,
    };
    let mut pages = Pages::new(client, listed.path);
    while let Some(page) = pages.next().await.map_err(needed)? {
        for item in page.items().map_err(needed)? {
            take(item)?;
        }
    }
    Ok(())
}

async fn read_each<T: DeserializeOwned>(
    client: &Client,
    listed: Listed,
    mut take: impl FnMut(T),
) -> Result<(), LoadError> {
    each(client, listed, |json| {
        take(listed.read(json)?);
        Ok(())
    })
    .await
}

impl Evidence {
    /// Reads what a plan needs beside volumes, classes and workloads. What the
    /// legacy volumes' claims are has to be known before.
    ///
    /// # Errors
    /// Something without which there is no plan cannot be read.
    pub async fn load(
        &mut self,
        client: &Client,
        node_evidence: bool,
        now: Timestamp,
    ) -> Result<(), LoadError> {
        let claims = &mut self.claims;
        read_each(client, CLAIMS, |claim| claims.add(&claim)).await?;
        let attachments = &mut self.attachments;
        read_each(client, ATTACHMENTS, |attachment| {
            attachments.add(&attachment)
        })
        .await?;
        let csi_drivers = &mut self.csi_drivers;
        read_each(client, CSI_DRIVERS, |driver| csi_drivers.add(driver)).await?;
        self.load_nodes(client).await?;
        self.load_node_volumes(client, node_evidence, now).await?;
        let snapshots = &mut self.snapshots;
        let read = read_each(client, SNAPSHOTS, |content| snapshots.add(&content)).await;
        self.optional(read)?;
        let migrations = &mut self.migrations;
        let read = read_each(client, MIGRATIONS, |migration| migrations.add(migration)).await;
        self.optional(read)
    }

    /// Reads no more than what tells who uses volumes. Which claims matter has to be
    /// known before.
    ///
    /// # Errors
    /// Something of it cannot be read.
    pub async fn load_use(
        &mut self,
        client: &Client,
        node_evidence: bool,
        now: Timestamp,
    ) -> Result<(), LoadError> {
        let (pods, claims) = (&mut self.pods, &self.claims);
        let (attachments, csi_drivers) = (&mut self.attachments, &mut self.csi_drivers);
        tokio::try_join!(
            read_each(client, PODS, |pod| pods.add(&pod, claims)),
            read_each(client, ATTACHMENTS, |attachment| {
                attachments.add(&attachment);
            }),
            read_each(client, CSI_DRIVERS, |driver| csi_drivers.add(driver)),
        )?;
        // Nodes after pods: a mount outlives its pod.
        self.load_nodes(client).await?;
        self.load_node_volumes(client, node_evidence, now).await
    }

    async fn load_nodes(&mut self, client: &Client) -> Result<(), LoadError> {
        let (nodes, held) = (&mut self.nodes, &mut self.held);
        let take = |node: crate::objects::node::Node| {
            let names: Vec<String> = node.held().map(str::to_owned).collect();
            let number = nodes.add(node);
            for name in names {
                held.add(&name, number);
            }
        };
        let mut of_csi = Vec::new();
        tokio::try_join!(
            read_each(client, NODES, take),
            read_each(client, CSI_NODES, |csi| of_csi.push(csi)),
        )?;
        let of_csi = of_csi.into_iter();
        of_csi.for_each(|csi| self.nodes.add_csi(csi));
        Ok(())
    }

    async fn load_node_volumes(
        &mut self,
        client: &Client,
        needed: bool,
        now: Timestamp,
    ) -> Result<(), LoadError> {
        let (nodes, node_volumes) = (&self.nodes, &mut self.node_volumes);
        let read = read_each(client, NODE_VOLUMES, |object| {
            node_volumes.add(object, nodes, now);
        })
        .await;
        match read {
            // No node daemon was ever here.
            Err(LoadError::Needed {
                source: AskError::NotFound { .. },
                ..
            }) => Ok(()),
            Err(error) if needed => Err(error),
            read => self.optional(read),
        }
    }

    /// Takes what was read of a kind that need not be there.
    ///
    /// # Errors
    /// The server did not answer: another try may say more.
    pub fn optional(&mut self, read: Result<(), LoadError>) -> Result<(), LoadError> {
        match read {
            Err(LoadError::Needed {
                source: AskError::NotFound { .. },
                ..
            }) => Ok(()),
            Err(LoadError::Needed { what, source }) if source.is_forbidden() => {
                let why = source.to_string();
                self.unread.push(Unread { what, why });
                Ok(())
            }
            read => read,
        }
    }
}
