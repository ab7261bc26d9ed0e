use flex2csi_translators::plan::Phase;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::metadata::Metadata;

/// A PersistentVolume, as it is or as it would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Volume<'a> {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    #[serde(borrow)]
    pub spec: Spec<'a>,
    /// `status`
    pub status: Status,
}

/// `spec`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec<'a> {
    /// Its claim.
    pub claim_ref: Option<ClaimRef>,
    /// `Delete`, `Retain` or `Recycle`.
    pub persistent_volume_reclaim_policy: String,
    /// How it may be used.
    pub access_modes: Vec<String>,
    /// Its CSI source.
    pub csi: Option<Csi>,
    /// Where it may be used, JSON.
    #[serde(borrow)]
    pub node_affinity: Option<&'a RawValue>,
    /// Its class.
    pub storage_class_name: String,
}

/// `spec.claimRef`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ClaimRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; empty before it is bound.
    pub uid: String,
}

/// `spec.csi`, without its attributes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Csi {
    /// The CSI driver.
    pub driver: String,
    /// The volume.
    pub volume_handle: String,
    controller_publish_secret_ref: Option<SecretRef>,
    node_stage_secret_ref: Option<SecretRef>,
    node_publish_secret_ref: Option<SecretRef>,
    controller_expand_secret_ref: Option<SecretRef>,
    node_expand_secret_ref: Option<SecretRef>,
}

/// A reference to a Secret.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct SecretRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// `status`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    phase: String,
}

const DELETION_SECRET: [&str; 2] = [
    "volume.kubernetes.io/provisioner-deletion-secret-namespace",
    "volume.kubernetes.io/provisioner-deletion-secret-name",
];

impl Volume<'_> {
    /// `status.phase`
    pub fn phase(&self) -> Phase {
        match self.status.phase.as_str() {
            "Available" => Phase::Available,
            "Bound" => Phase::Bound,
            "Released" => Phase::Released,
            "Failed" => Phase::Failed,
            _ => Phase::Pending,
        }
    }

    /// The Secrets that its CSI driver is given, each once.
    pub fn secrets(&self) -> Vec<SecretRef> {
        let mut secrets = Vec::new();
        if let Some(csi) = &self.spec.csi {
            let references = [
                &csi.controller_publish_secret_ref,
                &csi.node_stage_secret_ref,
                &csi.node_publish_secret_ref,
                &csi.controller_expand_secret_ref,
                &csi.node_expand_secret_ref,
            ];
            secrets.extend(references.into_iter().flatten().cloned());
        }
        let annotations = &self.metadata.annotations;
        if let [Some(namespace), Some(name)] = DELETION_SECRET.map(|key| annotations.get(key)) {
            secrets.push(SecretRef {
                namespace: namespace.clone(),
                name: name.clone(),
            });
        }
        secrets.sort();
        secrets.dedup();
        secrets
    }
}
