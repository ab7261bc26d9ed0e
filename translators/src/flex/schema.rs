//! The mapping file, as `docs/mappings.md` explains it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::values::{SiteValue, ValueSpec};

/// A CEL expression with its place in the file.
pub(super) type Cel = Spanned<String>;

/// One document: one FlexVolume driver, or one family.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MappingFile {
    pub mapping: Spanned<String>,
    pub summary: String,
    #[serde(default)]
    pub drivers: Vec<Spanned<String>>,
    pub when: Option<Cel>,
    pub shape: Option<Cel>,
    pub csi_driver: Option<Cel>,
    pub confidence: Confidence,
    #[serde(default)]
    pub values: Vec<ValueSpec>,
    #[serde(default)]
    pub credentials: Vec<String>,
    #[serde(default)]
    pub reads: Vec<String>,
    pub volume: Option<VolumeSpec>,
    pub secret: Option<SecretSpec>,
    pub inline: Option<InlineSpec>,
    pub storage_class: Option<StorageClassSpec>,
    pub claim: Option<ClaimSpec>,
    #[serde(default)]
    pub notes: Vec<NoteSpec>,
    pub not_translatable: Option<NotTranslatable>,
    /// Why its volumes are left as they are, without being a failure.
    pub kept: Option<String>,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub examples: Vec<Spanned<Example>>,
}

/// How well the vendor's format is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Read in the vendor's source or documentation.
    High,
    /// From one indirect source.
    Medium,
    /// Inferred.
    Low,
}

impl Confidence {
    /// As written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VolumeSpec {
    pub volume_handle: Cel,
    pub fs_type: Option<Cel>,
    pub read_only: Option<Cel>,
    #[serde(default)]
    pub volume_attributes: Ordered<Cel>,
    #[serde(default)]
    pub secret_refs: SecretRefs,
    pub mount_options: Option<Cel>,
    pub access_modes: Option<Cel>,
    #[serde(default)]
    pub topology: Ordered<Cel>,
    #[serde(default)]
    pub annotations: Ordered<Cel>,
    pub capacity: Option<Cel>,
}

/// In the order of the API's CSI source.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretRefs {
    pub controller_publish_secret_ref: Option<SecretRefSpec>,
    pub node_stage_secret_ref: Option<SecretRefSpec>,
    pub node_publish_secret_ref: Option<SecretRefSpec>,
    pub controller_expand_secret_ref: Option<SecretRefSpec>,
    pub node_expand_secret_ref: Option<SecretRefSpec>,
}

impl SecretRefs {
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &SecretRefSpec)> {
        [
            (
                "controllerPublishSecretRef",
                &self.controller_publish_secret_ref,
            ),
            ("nodeStageSecretRef", &self.node_stage_secret_ref),
            ("nodePublishSecretRef", &self.node_publish_secret_ref),
            (
                "controllerExpandSecretRef",
                &self.controller_expand_secret_ref,
            ),
            ("nodeExpandSecretRef", &self.node_expand_secret_ref),
        ]
        .into_iter()
        .filter_map(|(name, spec)| Some((name, spec.as_ref()?)))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretRefSpec {
    pub name: Cel,
    pub namespace: Option<Cel>,
}

/// A Secret under the CSI driver's keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretSpec {
    pub name: Cel,
    pub namespace: Option<Cel>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// New key to the legacy Secret's.
    #[serde(default)]
    pub keys: Ordered<Keys>,
    /// New key to the option that has it in plain text.
    #[serde(default)]
    pub options: Ordered<Keys>,
}

/// One key, or the first of several that is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Keys {
    One(String),
    FirstOf(Vec<String>),
}

impl Keys {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let keys = match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::FirstOf(keys) => keys,
        };
        keys.iter().map(String::as_str)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InlineSpec {
    pub access_modes: Option<Cel>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StorageClassSpec {
    pub provisioners: Vec<String>,
    pub provisioner: Cel,
    #[serde(default)]
    pub parameters: Ordered<Cel>,
    #[serde(default)]
    pub reads: Vec<String>,
    #[serde(default)]
    pub topology_keys: Ordered<String>,
    #[serde(default)]
    pub notes: Vec<NoteSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClaimSpec {
    #[serde(default)]
    pub annotations: Ordered<Cel>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NoteSpec {
    pub code: Spanned<String>,
    pub when: Option<Cel>,
    #[serde(default)]
    pub path: String,
    pub message: String,
    pub remedy: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NotTranslatable {
    pub reason: String,
    pub instead: String,
}

/// What a mapping does, shown on one object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Example {
    pub name: String,
    #[serde(default)]
    pub values: BTreeMap<String, SiteValue>,
    pub storage_class: Option<serde_json::Value>,
    #[serde(rename = "in")]
    pub input: serde_json::Value,
    pub out: Option<serde_json::Value>,
    pub error: Option<String>,
    #[serde(default)]
    pub extra: Vec<serde_json::Value>,
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A map in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ordered<T> {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}
