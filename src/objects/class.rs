//! StorageClasses.

use flex2csi_translators::Error;
use flex2csi_translators::storage_class::StorageClass;
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

/// The CSI driver of the volumes of a class in CSI form, which its provisioner is not always
/// named after; empty of what is no class.
pub fn driver_of(json: &str) -> String {
    let class = flex2csi_translators::parse(json).map_err(Error::from);
    let class = class.and_then(StorageClass::read).unwrap_or_default();
    class.driver().to_owned()
}
