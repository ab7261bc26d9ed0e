//! What is recorded of a volume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::capacity;
use super::id::{Id, Object};
use super::kind::Kind;
use super::records::Record;
use crate::csi::v1;

/// How far something is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    /// Its making was begun. If nobody holds its lock, it was never finished,
    /// nobody was told of it, and it is taken away.
    Creating,
    Ready,
    /// Its removal was begun, and has to be finished.
    Deleting,
}

/// What a volume began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Source {
    Snapshot(Id),
    Volume(Id),
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Volume {
    pub id: Id,
    pub name: String,
    pub phase: Phase,
    pub kind: Kind,
    /// In bytes.
    pub capacity: u64,
    /// The size up to which its filesystem was made or grown, in bytes; less
    /// than the capacity while it has to be grown yet.
    pub filesystem_size: u64,
    pub parameters: BTreeMap<String, String>,
    pub mutable_parameters: BTreeMap<String, String>,
    pub source: Option<Source>,
    /// Where it can be reached from; empty: from everywhere.
    pub topology: BTreeMap<String, String>,
    /// The nodes to which it is attached.
    pub attached: BTreeMap<Id, Attachment>,
    /// What was done with it on nodes.
    pub used: BTreeMap<Id, Use>,
}

/// How a volume is attached to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Attachment {
    pub capability: Capability,
    pub readonly: bool,
}

/// Where a volume is on a node. Recorded before it is mounted and until it is
/// unmounted: it may be there, and is nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Use {
    pub staged: BTreeMap<String, Capability>,
    pub published: BTreeMap<String, Publication>,
}

/// How a volume is published at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Publication {
    pub capability: Capability,
    /// As it was asked for; what comes of it may be read-only all the same.
    pub readonly: bool,
}

impl Use {
    /// Whether the volume is nowhere on the node.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.published.is_empty()
    }

    /// Every path at which the volume may be.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let staged = self.staged.keys();
        staged.chain(self.published.keys()).map(String::as_str)
    }
}

impl Record for Volume {
    const OBJECT: Object = Object::Volume;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl Volume {
    /// As CSI has it.
    pub(super) fn wire(&self) -> v1::Volume {
        use v1::volume_content_source::{SnapshotSource, Type, VolumeSource};
        let source = self.source.as_ref().map(|source| v1::VolumeContentSource {
            r#type: Some(match source {
                Source::Snapshot(id) => Type::Snapshot(SnapshotSource {
                    snapshot_id: id.as_str().to_owned(),
                }),
                Source::Volume(id) => Type::Volume(VolumeSource {
                    volume_id: id.as_str().to_owned(),
                }),
            }),
        });
        let topology = (!self.topology.is_empty()).then(|| v1::Topology {
            segments: self.topology.clone(),
        });
        v1::Volume {
            capacity_bytes: capacity::wire(self.capacity),
            volume_id: self.id.as_str().to_owned(),
            volume_context: BTreeMap::from([("kind".to_owned(), self.kind.to_string())]),
            content_source: source,
            accessible_topology: topology.into_iter().collect(),
        }
    }

    /// The nodes to which it is attached, as CSI has them.
    pub(super) fn attached_nodes(&self) -> Vec<String> {
        let nodes = self.attached.keys();
        nodes.map(|node| node.as_str().to_owned()).collect()
    }

    /// Whether a node with these segments can reach it.
    pub(super) fn is_reachable_from(&self, segments: &BTreeMap<String, String>) -> bool {
        self.topology
            .iter()
            .all(|(key, value)| segments.get(key) == Some(value))
    }

    /// Forgets a node on which the volume is nowhere any more.
    pub(super) fn drop_unused(&mut self) {
        self.used.retain(|_, used| !used.is_empty());
    }
}
