//! Publishing: at once when the list changes, and again and again when it does not.

use std::time::Duration;

use flex2csi_translators::attachment::State;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::object::{Counts, NodeVolumes, OriginalEntry, ShimEntry, node_volumes, resource};
use crate::api_request::{FIELD_MANAGER, MANAGED_BY, RequestError, request};
use crate::attachment::object::FLEX2CSI;

/// How long a change waits for others: a drained node changes all at once.
const GATHER: Duration = Duration::from_millis(200);

/// The first pause after a failure; each is twice the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What is mounted, as the daemon knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mounted {
    /// Through flex2csi.
    pub shim: Vec<Entry>,
    /// By original drivers.
    pub original: Vec<OriginalEntry>,
}

/// A volume that is mounted through flex2csi for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The volume.
    pub volume: crate::cluster::VolumeId,
    /// The PersistentVolume; none for an inline volume.
    pub persistent_volume: Option<String>,
    /// The pod's uid; none where the volume is not a pod's any more.
    pub pod_uid: Option<String>,
    /// How far it is.
    pub state: State,
    /// Whether kubelet has it for the pod through CSI as well.
    pub is_taken: bool,
}

/// What a publisher has to know of its node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's name.
    pub node: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// How often it is published when nothing changes. At least a second.
    pub renewal: Duration,
}

impl Settings {
    /// How often it is published.
    pub const RENEWAL: Duration = Duration::from_secs(30);
}

/// Publishes what is mounted until it is told to end, whether the API server is
/// there or not. What was published last stays: it grows stale by itself.
///
/// `list` gives what is mounted at that moment, or `None` where that is not all
/// known; then nothing is published. It is asked each time: what is published says
/// that it is true at its `renewTime`, and who deletes by it goes by that.
/// `changes` changes when the list does.
pub async fn publish(
    client: kube::Client,
    settings: Settings,
    list: impl Fn() -> Option<Mounted> + Send,
    mut changes: watch::Receiver<()>,
    shutdown: CancellationToken,
) {
    let mut publisher = Publisher {
        api: node_volumes(client.clone()),
        nodes: Api::all(client),
        settings,
        known: None,
        said: String::new(),
    };
    let publishing = async {
        let mut pause = FIRST_PAUSE;
        loop {
            changes.mark_unchanged();
            // Before the list is asked for: a change that comes now is not in what was true then.
            let now = Timestamp::now();
            let published = match list() {
                Some(list) => publisher.publish(&list, now).await,
                None => Err(RequestError::Invalid(
                    "what is mounted on this node is not all known".to_owned(),
                )),
            };
            let wait = match published {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    publisher.settings.renewal
                }
                Err(error) => {
                    publisher.note(&error);
                    let wait = pause;
                    pause = publisher.settings.renewal.min(pause * 2);
                    wait
                }
            };
            let until = Instant::now() + wait;
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                changed = changes.changed() => match changed {
                    Ok(()) => tokio::time::sleep(GATHER).await,
                    // Nobody tells of changes any more.
                    Err(_) => tokio::time::sleep_until(until).await,
                },
            }
        }
    };
    shutdown.run_until_cancelled(publishing).await;
}

struct Publisher {
    api: Api<DynamicObject>,
    nodes: Api<Node>,
    settings: Settings,
    /// What was published last, and as which writing of the object.
    known: Option<(Mounted, String)>,
    /// What was last said of a failure, to say it once.
    said: String,
}

impl Publisher {
    async fn publish(&mut self, list: &Mounted, now: Timestamp) -> Result<(), RequestError> {
        // A thousand volumes are hundreds of KiB: they are not sent to say that nothing changed.
        if let Some((known, version)) = &self.known
            && known == list
        {
            match self.renew(version, now).await {
                Ok(version) => {
                    self.done(list, version);
                    return Ok(());
                }
                // Somebody deleted or changed it.
                Err(RequestError::NotFound | RequestError::Conflict) => self.known = None,
                Err(error) => return Err(error),
            }
        }
        self.known = None;
        let version = self.apply(list, now).await?;
        self.done(list, version);
        Ok(())
    }

    fn done(&mut self, list: &Mounted, version: String) {
        if !std::mem::take(&mut self.said).is_empty() {
            tracing::info!("NodeVolumes are published again");
        }
        self.known = Some((list.clone(), version));
    }

    async fn renew(&self, version: &str, now: Timestamp) -> Result<String, RequestError> {
        let patch = json!({
            "metadata": { "resourceVersion": version },
            "renewTime": now,
        });
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(&patch);
        let patched = self.api.patch(&self.settings.node, &parameters, &patch);
        Ok(version_of(&request(patched).await?))
    }

    async fn apply(&self, list: &Mounted, now: Timestamp) -> Result<String, RequestError> {
        let node = &self.settings.node;
        let found = request(self.nodes.get_metadata(node)).await;
        let owner = found.map_err(|error| match error {
            // Without an owner it would outlive the node.
            RequestError::NotFound => {
                RequestError::Unavailable(format!("there is no Node {node} yet"))
            }
            error => error,
        })?;
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: node.clone(),
            uid: owner.metadata.uid.unwrap_or_default(),
            ..OwnerReference::default()
        };
        let mut object = DynamicObject::new(node, &resource()).data(
            serde_json::to_value(self.content(list, now))
                .map_err(|error| RequestError::Invalid(error.to_string()))?,
        );
        object.metadata.labels = Some([(MANAGED_BY.to_owned(), FLEX2CSI.to_owned())].into());
        object.metadata.owner_references = Some(vec![owner]);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&object);
        match request(self.api.patch(node, &parameters, &patch)).await {
            Ok(applied) => Ok(version_of(&applied)),
            Err(RequestError::NotFound) => Err(RequestError::Unavailable(
                "the cluster does not know NodeVolumes: apply deploy/crds/nodevolumes.yaml"
                    .to_owned(),
            )),
            Err(error) => Err(error),
        }
    }

    fn content(&self, list: &Mounted, now: Timestamp) -> NodeVolumes {
        let mut shim: Vec<ShimEntry> = list
            .shim
            .iter()
            .map(|entry| ShimEntry {
                driver: entry.volume.driver.clone(),
                handle: entry.volume.handle.clone(),
                pv: entry.persistent_volume.clone(),
                pod_uid: entry.pod_uid.clone(),
                state: entry.state.as_str().to_owned(),
                csi: entry.is_taken,
            })
            .collect();
        let mut original = list.original.clone();
        // In whatever order the daemon has them, the same list is the same object.
        shim.sort();
        original.sort();
        let detaching = shim.iter().filter(|entry| entry.is_detaching()).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let seconds = self.settings.renewal.as_secs().clamp(1, 3600);
        NodeVolumes {
            boot_id: self.settings.boot_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            renew_time: now,
            renew_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            counts: Counts {
                shim: count(shim.len() - detaching),
                detaching: count(detaching),
                original: count(original.len()),
            },
            shim,
            original,
        }
    }

    fn note(&mut self, error: &RequestError) {
        let error = error.to_string();
        if error != self.said {
            tracing::warn!(
                node = %self.settings.node, %error,
                "NodeVolumes are not published: volumes of this node cannot be rewritten, nor \
                 released if it dies"
            );
            self.said = error;
        }
    }
}

fn version_of(object: &DynamicObject) -> String {
    let version = object.metadata.resource_version.clone();
    version.unwrap_or_default()
}
