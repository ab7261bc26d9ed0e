//! What the cluster would say, in files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The CSI driver that the embedded one poses as.
pub const BACKEND: &str = "disk.example.com";
/// The FlexVolume driver whose volumes it has.
pub const DRIVER: &str = "test/disk";

/// A volume of the FlexVolume driver, as kubelet knows it.
#[derive(Debug, Clone)]
pub struct Volume {
    /// The PersistentVolume, or the pod's name for it.
    pub name: String,
    pub options: BTreeMap<String, String>,
    pub secret: BTreeMap<String, Vec<u8>>,
}

impl Volume {
    /// The PersistentVolume of the backend's volume `vol-NAME`.
    pub fn new(name: &str) -> Self {
        Self {
            name: format!("pv-{name}"),
            options: BTreeMap::from([("id".into(), format!("vol-{name}"))]),
            secret: BTreeMap::new(),
        }
    }

    pub fn handle(&self) -> &str {
        &self.options["id"]
    }

    /// The object.
    pub fn object(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": self.name},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                "flexVolume": {"driver": DRIVER, "fsType": "ext4", "options": self.options},
            },
        })
    }
}

/// The CSIDriver.
pub fn csi_driver() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": BACKEND},
        "spec": {"attachRequired": false, "fsGroupPolicy": "File"},
    })
}
