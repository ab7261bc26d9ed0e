//! What is known of nodes in a round.

use std::collections::HashMap;
use std::time::Duration;

use flex2csi_translators::attachment::{Node as NodeState, NodeSays};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, GetParams, Request};
use tokio::time::Instant;

use crate::api_request::{RequestError, find};
use crate::attachment::lease::VolumeLease;
use crate::cluster::VolumeId;
use crate::node_volumes::{NodeVolumes, node_volumes};
use crate::objects::node::Node;

/// A node as it is in a round.
#[derive(Debug, Clone)]
pub(super) struct NodeSeen {
    pub state: NodeState,
    /// The names in `volumesInUse` and `volumesAttached`.
    held: Vec<String>,
    /// What its daemon says, where that counts.
    says: Option<NodeVolumes>,
}

impl NodeSeen {
    /// Whether the attach/detach controller or kubelet has the volume under its CSI
    /// name.
    pub fn holds(&self, volume: &VolumeId) -> bool {
        self.held.contains(&volume.unique_name())
    }

    /// What the daemon says of a volume for which its node has a Lease.
    pub fn says(&self, volume: &VolumeId, lease: Option<&VolumeLease>) -> NodeSays {
        let Some(said) = &self.says else {
            return NodeSays::Nothing;
        };
        let taken = lease.and_then(|lease| lease.taken);
        // Both by the node's own clock: what was said before it attached is no evidence.
        if taken.is_some_and(|taken| said.renew_time <= taken) {
            return NodeSays::Nothing;
        }
        let mut entries = said
            .shim
            .iter()
            .filter(|entry| entry.driver == volume.driver && entry.handle == volume.handle)
            .peekable();
        if entries.peek().is_none() {
            let boot = lease.map(|lease| lease.boot_id.as_str());
            return match boot {
                Some(boot) if !boot.is_empty() && boot != said.boot_id => NodeSays::Restarted,
                _ => NodeSays::Unlisted,
            };
        }
        if entries.all(|entry| entry.is_detaching()) {
            NodeSays::Detaching
        } else {
            NodeSays::InUse
        }
    }
}

/// Nodes, asked for one by one and once in a round.
pub(super) struct Nodes {
    client: Client,
    node_volumes: Api<DynamicObject>,
    gone_long: Duration,
    /// Since when nodes are gone.
    gone: HashMap<String, Instant>,
    /// What nodes said last, and when that was seen first: an old object of a node
    /// whose clock is ahead is not fresh for ever.
    renewed: HashMap<String, (Timestamp, Instant)>,
    seen: HashMap<String, NodeSeen>,
}

impl Nodes {
    pub fn new(client: Client, gone_long: Duration) -> Self {
        Self {
            node_volumes: node_volumes(client.clone()),
            client,
            gone_long,
            gone: HashMap::new(),
            renewed: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    /// Forgets what was seen in the last round, and nodes that nothing is of any more.
    pub fn begin_round(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.gone.retain(|node, _| seen.contains_key(node));
        self.renewed.retain(|node, _| seen.contains_key(node));
    }

    /// A node as it is in this round.
    pub async fn node(&mut self, name: &str) -> Result<NodeSeen, RequestError> {
        if let Some(seen) = self.seen.get(name) {
            return Ok(seen.clone());
        }
        // First: a node that says something and is gone after that is gone.
        let says = self.says(name).await?;
        let node = find(node(&self.client, name)).await?;
        let held = node.iter().flat_map(Node::held);
        let seen = NodeSeen {
            state: self.state(name, node.as_ref()),
            held: held.map(str::to_owned).collect(),
            says,
        };
        self.seen.insert(name.to_owned(), seen.clone());
        Ok(seen)
    }

    fn state(&mut self, name: &str, node: Option<&Node>) -> NodeState {
        let Some(node) = node else {
            let since = self.gone.entry(name.to_owned());
            let since = since.or_insert_with(Instant::now);
            return NodeState::Gone {
                long: since.elapsed() >= self.gone_long,
            };
        };
        self.gone.remove(name);
        match node.is_out_of_service() {
            true => NodeState::OutOfService,
            false => NodeState::Here,
        }
    }

    async fn says(&mut self, name: &str) -> Result<Option<NodeVolumes>, RequestError> {
        let Some(object) = find(self.node_volumes.get(name)).await? else {
            return Ok(None);
        };
        let said: NodeVolumes = match serde_json::from_value(object.data) {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(node = name, %error, "NodeVolumes cannot be read");
                return Ok(None);
            }
        };
        let now = Instant::now();
        let known = self.renewed.entry(name.to_owned());
        let (renewed, since) = known.or_insert((said.renew_time, now));
        if *renewed != said.renew_time {
            (*renewed, *since) = (said.renew_time, now);
        }
        let silent = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let is_silent = silent > 3000 * u64::from(said.renew_seconds);
        let counts = said.is_fresh(Timestamp::now()) && !is_silent;
        Ok(counts.then_some(said))
    }
}

async fn node(client: &Client, name: &str) -> kube::Result<Node> {
    let request = Request::new("/api/v1/nodes").get(name, &GetParams::default());
    client
        .request(request.map_err(kube::Error::BuildRequest)?)
        .await
}
