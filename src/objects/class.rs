//! StorageClasses.

use serde::Deserialize;

use super::metadata::Metadata;

/// A StorageClass, as it is or as it would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Class {
    /// `metadata`
    pub metadata: Metadata,
    /// Who makes volumes of it.
    pub provisioner: String,
}
