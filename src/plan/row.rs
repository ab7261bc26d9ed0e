//! One object of a plan.

use flex2csi_translators::plan::{Finding, VerdictKind, Workload};
use flex2csi_translators::rewrite::{ClaimId, InUse, ObjectKind};
use serde::{Deserialize, Serialize};

/// What a plan says of one object. Its JSON is a line of `-o json`, and with the
/// checksum a document of the plan file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Row {
    /// `PersistentVolume`, `StorageClass`, or the kind of a workload.
    pub object: ObjectId,
    /// The claim that a volume is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// The FlexVolume driver, in-tree source or provisioner.
    pub from: String,
    /// What it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<To>,
    /// What can be done about it.
    pub verdict: VerdictKind,
    /// Why it may be rewritten while it is in use.
    #[serde(default, skip_serializing_if = "is_no")]
    pub in_use: InUse,
    /// What makes the pods that use a volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// Why, what decides first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What a person may choose: the one part of a plan file that may be edited.
    #[serde(default)]
    pub options: Options,
}

fn is_no(in_use: &InUse) -> bool {
    *in_use == InUse::No
}

/// Which object, and which version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectId {
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for volumes and classes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its version when the plan was made.
    pub resource_version: String,
}

impl ObjectId {
    /// Its kind, if that is one of those that are replaced.
    pub fn replaced_kind(&self) -> Option<ObjectKind> {
        match self.kind.as_str() {
            "PersistentVolume" => Some(ObjectKind::PersistentVolume),
            "StorageClass" => Some(ObjectKind::StorageClass),
            _ => None,
        }
    }

    /// `Kind namespace/name`
    pub fn full_name(&self) -> String {
        match self.namespace.as_str() {
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// What an object becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct To {
    /// The CSI driver.
    pub driver: String,
    /// The volume's handle; none for a class.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handle: String,
    /// SHA-256 of what of the translated object is to be stored.
    pub digest: String,
}

/// What a person may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// Leave this object out.
    pub skip: bool,
    /// Keep the reclaim policy Delete of a volume that was made by hand. Asked only
    /// where it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_delete: Option<bool>,
}

impl Row {
    /// Whether a rewrite would do something about it.
    pub fn is_ready(&self) -> bool {
        matches!(self.verdict, VerdictKind::Ready | VerdictKind::ReadyInUse)
    }
}

#[cfg(test)]
impl Row {
    /// A volume in a test, of which nothing else is known.
    pub fn of_volume(name: &str, verdict: VerdictKind) -> Self {
        Self {
            object: ObjectId {
                kind: "PersistentVolume".into(),
                namespace: String::new(),
                name: name.into(),
                uid: "u".into(),
                resource_version: "7".into(),
            },
            claim: None,
            from: "nfs".into(),
            to: None,
            verdict,
            in_use: InUse::No,
            workloads: Vec::new(),
            findings: Vec::new(),
            options: Options::default(),
        }
    }
}
