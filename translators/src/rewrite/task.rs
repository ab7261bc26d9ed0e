//! What the rewrite of one object needs to be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One object that is to be replaced by another under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Task {
    /// What the object is.
    pub kind: ObjectKind,
    /// The object as it was read from the API server, JSON with `metadata.uid` and
    /// `metadata.resourceVersion`.
    pub original: String,
    /// What it translates to, JSON. Members that the server sets are left out when
    /// it is written.
    pub translated: String,
    /// The claim that a volume is bound to; none for a volume without one and for a
    /// StorageClass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// Annotations of the claim that name who serves its volume
    /// (`volume.kubernetes.io/storage-provisioner` and the like), by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claim_annotations: BTreeMap<String, AnnotationChange>,
    /// Whether pods use the volume, and why it may be rewritten all the same.
    #[serde(default)]
    pub in_use: InUse,
    /// Whether a statically made volume with `persistentVolumeReclaimPolicy: Delete`
    /// keeps it. Nobody deletes such a volume while it is in legacy form; as a CSI
    /// volume its driver does. Without this it becomes `Retain`. A volume that was
    /// provisioned dynamically keeps its policy in any case.
    #[serde(default)]
    pub keep_delete: bool,
}

/// The kinds of objects that are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectKind {
    /// `v1 PersistentVolume`
    PersistentVolume,
    /// `storage.k8s.io/v1 StorageClass`
    StorageClass,
}

impl ObjectKind {
    /// As in `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PersistentVolume => "PersistentVolume",
            Self::StorageClass => "StorageClass",
        }
    }
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A PersistentVolumeClaim, and not a later one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimId {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// What an annotation was and is to be; `None` is an annotation that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationChange {
    /// Its value beside the legacy volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its value beside the CSI volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Whether a volume may be rewritten under running pods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "by")]
pub enum InUse {
    /// Only while nobody uses it.
    #[default]
    No,
    /// Under its pods: the cluster serves it through CSI already, and what is to be
    /// stored is the whole of what the cluster's own translation gives.
    RuntimeEqual,
    /// Under its pods: each of its mounts, on these nodes, was made by the node
    /// daemon's FlexVolume door.
    Shim {
        /// The nodes where it is mounted.
        nodes: Vec<String>,
        /// Whether the CSI driver attaches volumes (`CSIDriver.spec.attachRequired`).
        attach: bool,
    },
}
