use std::collections::BTreeMap;

use flex2csi_translators::plan::{Ownership, gitops_owner};
use serde::Deserialize;

/// `metadata`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace; empty for what has none.
    pub namespace: String,
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<String>,
    /// What holds its deletion up.
    pub finalizers: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its owners.
    pub owner_references: Vec<Owner>,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether it is the controller.
    pub controller: bool,
}

/// A list that is `null` where it is empty, as Go writes those that it does not leave out.
pub fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list: Option<Vec<T>> = Option::deserialize(deserializer)?;
    Ok(list.unwrap_or_default())
}

/// An object of which only the metadata is of interest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// `metadata`
    pub metadata: Metadata,
}

impl Metadata {
    /// Its controller.
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }

    /// Who else has a say in the object.
    pub fn ownership(&self) -> Ownership {
        let pairs = self.labels.iter().chain(&self.annotations);
        Ownership {
            deleting: self.deletion_timestamp.is_some(),
            finalizers: self.finalizers.clone(),
            owners: self
                .owner_references
                .iter()
                .map(|owner| (format!("{}/{}", owner.kind, owner.name), owner.controller))
                .collect(),
            gitops: gitops_owner(pairs.map(|(key, value)| (key.as_str(), value.as_str()))),
            migration: None,
        }
    }
}
