//! Disks as a legacy provisioner left them.

use flex2csi_testing::lab::{Backend, Story};
use serde_json::{Value, json};

/// The legacy provisioner, which is gone.
pub const PROVISIONER: &str = "flexvolume-huawei.com/fuxivol";

/// A StorageClass of the legacy provisioner.
pub fn class(name: &str, fs_type: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": name },
        "provisioner": PROVISIONER,
        "parameters": { "kubernetes.io/volumetype": "SSD", "kubernetes.io/fstype": fs_type },
    })
}

/// A disk of such a class with this handle, and the claim that is bound to it.
pub async fn volume(story: &Story, class: &Value, claim: &str, handle: &str) {
    let class_name = class["metadata"]["name"].as_str().unwrap();
    let fs_type = &class["parameters"]["kubernetes.io/fstype"];
    let mut spec = Backend::Disks.flex_source(handle);
    spec["flexVolume"]["fsType"] = fs_type.clone();
    spec["flexVolume"]["options"]["fsType"] = fs_type.clone();
    spec["accessModes"] = json!(["ReadWriteOnce"]);
    spec["capacity"] = json!({ "storage": "1Gi" });
    spec["persistentVolumeReclaimPolicy"] = json!("Delete");
    spec["storageClassName"] = json!(class_name);
    spec["claimRef"] = json!({ "namespace": story.namespace(), "name": claim });
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {
            "name": format!("pvc-{claim}"),
            "annotations": { "pv.kubernetes.io/provisioned-by": PROVISIONER },
        },
        "spec": spec,
    });
    let mut claim = self::claim(claim, class_name);
    claim["spec"]["volumeName"] = volume["metadata"]["name"].clone();
    story.apply([volume, claim]).await;
}

/// A claim of a class.
pub fn claim(name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "namespace": "" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
            "storageClassName": class,
        },
    })
}
