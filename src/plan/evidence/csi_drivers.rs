use std::collections::BTreeMap;

use serde::Deserialize;

use crate::objects::metadata::Metadata;

/// How CSI drivers are served.
#[derive(Debug, Default)]
pub struct CsiDrivers(BTreeMap<String, CsiDriver>);

/// `CSIDriver.spec`, as far as it matters here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CsiDriver {
    attach_required: Option<bool>,
    requires_republish: Option<bool>,
    se_linux_mount: Option<bool>,
    fs_group_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    metadata: Metadata,
    spec: CsiDriver,
}

impl CsiDrivers {
    /// Takes note of a CSIDriver.
    pub fn add(&mut self, object: Object) {
        self.0.insert(object.metadata.name, object.spec);
    }

    /// How a driver is served. Without an object the API's defaults count.
    pub fn get(&self, driver: &str) -> CsiDriver {
        self.0.get(driver).cloned().unwrap_or_default()
    }
}

impl CsiDriver {
    /// Whether its volumes are attached.
    pub fn attaches(&self) -> bool {
        self.attach_required.unwrap_or(true)
    }

    /// Whether its volumes are published again and again.
    pub fn republishes(&self) -> bool {
        self.requires_republish.unwrap_or(false)
    }

    /// Whether its volumes are mounted with a SELinux context.
    pub fn se_linux_mount(&self) -> bool {
        self.se_linux_mount.unwrap_or(false)
    }

    /// Whether kubelet leaves the files' groups as they are.
    pub fn leaves_groups_alone(&self) -> bool {
        self.fs_group_policy.as_deref() == Some("None")
    }
}
