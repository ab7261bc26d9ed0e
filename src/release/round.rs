//! One look at all that flex2csi has attached.

use std::collections::{HashMap, HashSet};

use flex2csi_translators::attachment::{
    Decision, Keep, Node as NodeState, NodeSays, Seen, attachment_name, decide, frees_lease,
};
use kube::api::{Api, DynamicObject, ListParams};
use serde::de::DeserializeOwned;

use super::Settings;
use super::csi_volumes::CsiVolumes;
use super::nodes::{NodeSeen, Nodes};
use crate::api_request::{RequestError, find, request};
use crate::attachment::exactly;
use crate::attachment::lease::{VolumeLease, VolumeLeases};
use crate::attachment::object::{Attachment, OURS, attachments};
use crate::cluster::VolumeId;

/// Objects of one page.
const PAGE: u32 = 500;

/// What was done in a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Attachments that stay.
    pub kept: usize,
    /// Attachments that were deleted.
    pub deleted: usize,
    /// Leases that were freed.
    pub freed: usize,
    /// Attachments and Leases of which it could not be decided or done.
    pub failed: usize,
}

/// Releases what may go, round by round.
pub struct Releases {
    attachments: Api<DynamicObject>,
    leases: VolumeLeases,
    lease_objects: Api<k8s_openapi::api::coordination::v1::Lease>,
    client: kube::Client,
    nodes: Nodes,
    /// What would have been done in the last round if it had been so before.
    before: HashMap<Subject, Decision>,
    /// What was said of attachments that stay, to say it once.
    said: HashMap<String, Keep>,
    /// What was said of a round that broke off.
    said_of_all: String,
}

/// What is decided on, as it was written when it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Subject {
    /// The attachment's or the Lease's name.
    name: String,
    /// The attachment's uid, or the Lease's resourceVersion.
    writing: String,
}

impl std::fmt::Debug for Releases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Releases").finish_non_exhaustive()
    }
}

impl Releases {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(client: kube::Client, settings: Settings) -> Self {
        Self {
            attachments: attachments(client.clone()),
            leases: VolumeLeases::new(client.clone(), &settings.namespace),
            lease_objects: Api::namespaced(client.clone(), &settings.namespace),
            nodes: Nodes::new(client.clone(), settings.node_gone),
            client,
            before: HashMap::new(),
            said: HashMap::new(),
            said_of_all: String::new(),
        }
    }

    /// Looks at everything once, and says what it could not do.
    pub async fn look(&mut self) -> Round {
        match self.round().await {
            Ok(round) => {
                self.said_of_all.clear();
                if round.deleted + round.freed > 0 {
                    tracing::info!(?round, "released");
                }
                round
            }
            Err(error) => {
                let error = error.to_string();
                if error != self.said_of_all {
                    tracing::warn!(%error, "cannot look for what is to be released");
                    self.said_of_all = error;
                }
                Round {
                    failed: 1,
                    ..Round::default()
                }
            }
        }
    }

    async fn round(&mut self) -> Result<Round, RequestError> {
        // Leases first: what is taken after that has another resourceVersion when it is written.
        let leases: Vec<VolumeLease> = list_ours(&self.lease_objects)
            .await?
            .into_iter()
            .filter_map(VolumeLease::of)
            .collect();
        let found: Vec<Attachment> = list_ours(&self.attachments)
            .await?
            .iter()
            .map(Attachment::of)
            .collect();
        self.nodes.begin_round();
        let mut this = Looking {
            volumes: CsiVolumes::new(self.client.clone()),
            leases: leases
                .iter()
                .filter_map(|lease| Some(((&lease.volume, lease.holder.as_deref()?), lease)))
                .collect(),
            decided: HashMap::new(),
            round: Round::default(),
        };
        for attachment in &found {
            if let Err(error) = self.look_at(attachment, &mut this).await {
                this.round.failed += 1;
                tracing::warn!(attachment = %attachment.name, %error, "cannot be released now");
            }
        }
        let names: HashSet<&str> = found.iter().map(|found| found.name.as_str()).collect();
        for lease in &leases {
            if let Err(error) = self.look_at_lease(lease, &names, &mut this).await {
                this.round.failed += 1;
                tracing::warn!(lease = %lease.name(), %error, "cannot be freed now");
            }
        }
        self.said.retain(|name, _| names.contains(name.as_str()));
        self.before = this.decided;
        Ok(this.round)
    }

    async fn look_at(
        &mut self,
        attachment: &Attachment,
        this: &mut Looking<'_>,
    ) -> Result<(), RequestError> {
        // Its driver detaches already, or it is not ours alone.
        let Some(volume) = &attachment.volume else {
            return Ok(());
        };
        if attachment.is_being_deleted {
            return Ok(());
        }
        let node = self.nodes.node(&attachment.node).await?;
        let lease = this
            .leases
            .get(&(volume, attachment.node.as_str()))
            .copied();
        let subject = Subject {
            name: attachment.name.clone(),
            writing: attachment.uid.clone(),
        };
        let seen = Seen {
            node: node.state,
            node_says: node.says(volume, lease),
            is_adopted: node.holds(volume),
            is_rewritten: false,
            is_awaited: false,
            is_settled: true,
        };
        let seen = self.look_closer(seen, attachment, volume, this).await?;
        let settled = decide(&seen);
        let is_settled = self.before.get(&subject) == Some(&settled);
        this.decided.insert(subject, settled);
        match decide(&Seen { is_settled, ..seen }) {
            Decision::Keep(keep) => {
                this.round.kept += 1;
                self.note(attachment, keep);
            }
            Decision::Delete(reason) => {
                if let Some(lease) = lease {
                    match self.leases.mark_released(lease).await {
                        // The node attaches it again just now.
                        Err(RequestError::Conflict | RequestError::NotFound) => {
                            this.round.kept += 1;
                            return Ok(());
                        }
                        marked => marked?,
                    }
                } else if seen.node == NodeState::Here {
                    // Without it nothing would keep the node from using what is deleted here.
                    this.round.kept += 1;
                    tracing::debug!(attachment = %attachment.name, "its Lease is missing: left to its node");
                    return Ok(());
                }
                let parameters = exactly(attachment);
                let deleted = self.attachments.delete(&attachment.name, &parameters);
                match find(deleted).await {
                    Ok(_) | Err(RequestError::Conflict) => {}
                    Err(error) => return Err(error),
                }
                this.round.deleted += 1;
                tracing::info!(
                    attachment = %attachment.name, node = %attachment.node,
                    driver = %volume.driver, handle = %volume.handle, %reason,
                    "deleted the attachment"
                );
            }
        }
        Ok(())
    }

    /// Asks for PersistentVolumes and pods where it depends on them.
    async fn look_closer(
        &self,
        mut seen: Seen,
        attachment: &Attachment,
        volume: &VolumeId,
        this: &mut Looking<'_>,
    ) -> Result<Seen, RequestError> {
        let is_in_doubt = !matches!(seen.node_says, NodeSays::InUse | NodeSays::Nothing);
        if is_in_doubt && let Some(legacy) = &attachment.legacy_volume {
            seen.is_rewritten = this.volumes.is_rewritten(legacy, volume).await?;
        }
        if matches!(decide(&seen), Decision::Delete(_)) {
            // Another one may have the handle too: a pin's.
            if let Some(claims) = this.volumes.claims(volume).await? {
                let claims = claims.to_vec();
                seen.is_rewritten = true;
                seen.is_awaited = this.volumes.is_awaited(&attachment.node, &claims).await?;
            }
        }
        Ok(seen)
    }

    fn note(&mut self, attachment: &Attachment, keep: Keep) {
        let before = self.said.insert(attachment.name.clone(), keep);
        if before == Some(keep) || !keep.needs_a_look() {
            return;
        }
        tracing::warn!(
            attachment = %attachment.name, node = %attachment.node, reason = %keep,
            "the attachment stays"
        );
    }

    async fn look_at_lease(
        &mut self,
        lease: &VolumeLease,
        attachments: &HashSet<&str>,
        this: &mut Looking<'_>,
    ) -> Result<(), RequestError> {
        let holder = lease.holder.as_deref().unwrap_or_default();
        let VolumeId { driver, handle } = &lease.volume;
        let attachment = attachment_name(driver, handle, holder);
        if attachments.contains(attachment.as_str()) {
            return Ok(());
        }
        let node = match holder {
            "" => None,
            holder => Some(self.nodes.node(holder).await?),
        };
        let subject = Subject {
            name: lease.name().to_owned(),
            writing: lease.resource_version().to_owned(),
        };
        let seen = seen_of_lease(node.as_ref(), lease);
        let free = Decision::Keep(Keep::Unsettled);
        let is_settled = self.before.contains_key(&subject);
        if !frees_lease(
            &Seen {
                is_settled: true,
                ..seen
            },
            lease.is_released,
        ) {
            return Ok(());
        }
        if !frees_lease(&Seen { is_settled, ..seen }, lease.is_released) {
            this.decided.insert(subject, free);
            return Ok(());
        }
        // It may be there under the attach/detach controller's label, which is none.
        if find(self.attachments.get(&attachment)).await?.is_some() {
            return Ok(());
        }
        match self.leases.free(lease).await {
            Ok(()) => this.round.freed += 1,
            Err(RequestError::Conflict) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What there is during a round.
struct Looking<'a> {
    volumes: CsiVolumes,
    /// By volume and the node that has it.
    leases: HashMap<(&'a VolumeId, &'a str), &'a VolumeLease>,
    decided: HashMap<Subject, Decision>,
    round: Round,
}

/// A Lease that nobody holds is like one of a node that is long gone.
fn seen_of_lease(node: Option<&NodeSeen>, lease: &VolumeLease) -> Seen {
    Seen {
        node: node.map_or(NodeState::Gone { long: true }, |node| node.state),
        node_says: node.map_or(NodeSays::Nothing, |node| {
            node.says(&lease.volume, Some(lease))
        }),
        is_adopted: false,
        is_rewritten: false,
        is_awaited: false,
        is_settled: true,
    }
}

/// All that flex2csi made of a kind.
async fn list_ours<K>(api: &Api<K>) -> Result<Vec<K>, RequestError>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut all = Vec::new();
    let mut page = ListParams::default().labels(OURS).limit(PAGE);
    loop {
        let list = request(api.list(&page)).await?;
        all.extend(list.items);
        match list.metadata.continue_ {
            Some(token) if !token.is_empty() => page = page.continue_token(&token),
            _ => return Ok(all),
        }
    }
}
