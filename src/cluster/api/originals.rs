//! Whether the original driver may have a volume on another node. Nothing in the
//! cluster keeps two nodes from it: original drivers mount without asking, and take
//! no Lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::ClusterError;
use super::list::List;
use crate::node_volumes::NodeVolumes;
use crate::objects::metadata::Metadata;
use crate::objects::node::Node;
use crate::objects::pod::Pod;
use crate::objects::volume::Volume;

/// How long what nodes say counts: calls that come together share it. An original
/// driver mounts a volume nowhere anew where a node daemon runs, so what nobody had
/// then nobody has now.
const KEPT: Duration = Duration::from_secs(10);

/// A node that has a volume, or may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalOn {
    /// The node.
    pub node: String,
    /// How that is known.
    pub why: Why,
}

/// How it is known that a node may have a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its node daemon says, or said last, that the original driver has it mounted.
    Said,
    /// No node daemon runs there, and this pod there, as `namespace/name`, uses it.
    Pod(String),
    /// It has fallen silent, and no node daemon said before what is mounted there.
    Silent,
}

/// What other nodes say, for a short time.
#[derive(Default)]
pub(super) struct Originals {
    /// Held while it is asked for, so that others wait for the same answer.
    last: Mutex<Option<Arc<Seen>>>,
}

struct Seen {
    /// By PersistentVolume: the nodes whose daemons list it.
    said: BTreeMap<String, BTreeSet<String>>,
    /// Those that have fallen silent without a word.
    silent: BTreeSet<String>,
    /// Those where kubelet is, and no node daemon.
    bare: BTreeSet<String>,
    until: Instant,
}

/// What a Node tells of its own silence.
struct Heard {
    node: String,
    is_out_of_service: bool,
    silent_since: Option<Timestamp>,
}

/// What a node daemon has published.
#[derive(Deserialize)]
struct Said {
    metadata: Metadata,
    #[serde(flatten)]
    said: NodeVolumes,
}

impl Heard {
    fn of(node: Node) -> Self {
        Self {
            is_out_of_service: node.is_out_of_service(),
            silent_since: node.silent_since(),
            node: node.metadata.name,
        }
    }
}

impl Seen {
    fn of(nodes: Vec<Heard>, said: BTreeMap<String, NodeVolumes>, here: &str) -> Self {
        let (mut silent, mut bare) = (BTreeSet::new(), BTreeSet::new());
        let mut down = BTreeSet::new();
        let now = Timestamp::now();
        for node in nodes {
            let name = &node.node;
            if node.is_out_of_service {
                down.insert(name.clone());
                continue;
            }
            let word = said.get(name);
            if name == here || word.is_some_and(|word| word.is_fresh(now)) {
                continue;
            }
            match node.silent_since {
                None => {
                    bare.insert(name.clone());
                }
                // Its daemon was there until then, and so nothing was mounted since.
                Some(since) if word.is_some_and(|word| word.counts_at(since)) => {}
                Some(_) => {
                    silent.insert(name.clone());
                }
            }
        }
        let mut by_volume: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (node, said) in said {
            if node == here || down.contains(&node) {
                continue;
            }
            for volume in said.original.into_iter().filter_map(|entry| entry.pv) {
                by_volume.entry(volume).or_default().insert(node.clone());
            }
        }
        Self {
            said: by_volume,
            silent,
            bare,
            until: Instant::now() + KEPT,
        }
    }

    /// The node that has a volume, or may have it, by what nodes say.
    fn find(&self, persistent_volume: &str) -> Option<OriginalOn> {
        let on = |node: &String, why| OriginalOn {
            node: node.clone(),
            why,
        };
        let said = self.said.get(persistent_volume);
        let said = said.and_then(|nodes| nodes.first());
        said.map(|node| on(node, Why::Said))
            .or_else(|| self.silent.first().map(|node| on(node, Why::Silent)))
    }
}

impl Originals {
    /// The node but `here` on which the original driver has a PersistentVolume, or may
    /// have it. `volume` gives that one, JSON.
    pub(super) async fn find(
        &self,
        client: &Client,
        here: &str,
        persistent_volume: &str,
        volume: impl AsyncFnOnce() -> Result<String, ClusterError>,
    ) -> Result<Option<OriginalOn>, ClusterError> {
        let seen = self.seen(client, here, persistent_volume).await?;
        if let Some(found) = seen.find(persistent_volume) {
            return Ok(Some(found));
        }
        if seen.bare.is_empty() {
            return Ok(None);
        }
        // What has no claim no pod can use.
        let json = match volume().await {
            Ok(json) => json,
            Err(ClusterError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let claim = serde_json::from_str::<Volume<'_>>(&json).ok();
        let Some(claim) = claim.and_then(|volume| volume.spec.claim_ref) else {
            return Ok(None);
        };
        let mut found = None;
        List::pods_in(&claim.namespace)
            .each(client, |pod: Pod| {
                if seen.bare.contains(pod.node()) && pod.claims().contains(&claim.name) {
                    found = Some(OriginalOn {
                        node: pod.node().to_owned(),
                        why: Why::Pod(format!("{}/{}", claim.namespace, pod.metadata.name)),
                    });
                }
            })
            .await?;
        Ok(found)
    }

    /// What nodes say, not older than [`KEPT`]; where they say that one has the volume,
    /// as it is now.
    async fn seen(
        &self,
        client: &Client,
        here: &str,
        persistent_volume: &str,
    ) -> Result<Arc<Seen>, ClusterError> {
        let mut last = self.last.lock().await;
        if let Some(seen) = &*last
            && Instant::now() < seen.until
            && seen.find(persistent_volume).is_none()
        {
            return Ok(seen.clone());
        }
        let mut said = BTreeMap::new();
        let list = List::node_volumes();
        let listed = list.each(client, |object: Said| {
            said.insert(object.metadata.name, object.said);
        });
        listed.await?;
        let mut nodes = Vec::new();
        let list = List::nodes();
        list.each(client, |node| nodes.push(Heard::of(node)))
            .await?;
        let seen = Arc::new(Seen::of(nodes, said, here));
        *last = Some(seen.clone());
        Ok(seen)
    }
}
