//! The protocol in a model of the API server and its controllers.

mod chaos;
mod crashes;
mod merge;
#[path = "../../../tests/api_server/merge_patch.rs"]
mod merge_patch;
mod model;
mod node;
mod once_more;
mod pins;
mod stops;
mod worker;

use serde_json::{Value, json};

use super::{AnnotationChange, ClaimId, InUse, ObjectKind, Task};

pub(super) const PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";

/// A volume that a legacy provisioner made, bound.
pub(super) fn volume(policy: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "data",
            "uid": "uid-original",
            "resourceVersion": "1",
            "creationTimestamp": "2020-01-01T00:00:00Z",
            "labels": {"team": "blue"},
            "annotations": {"pv.kubernetes.io/provisioned-by": "example.com/legacy"},
            "finalizers": ["kubernetes.io/pv-protection"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": "n", "name": "c", "uid": "uid-claim", "resourceVersion": "7",
            },
            "flexVolume": {"driver": "example.com/legacy", "options": {"id": "1"}},
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    })
}

/// The same as CSI.
pub(super) fn csi(volume: &Value) -> Value {
    let mut volume = volume.clone();
    volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = "csi.example.com".into();
    let spec = volume["spec"].as_object_mut().unwrap();
    spec.remove("flexVolume");
    spec.insert(
        "csi".into(),
        json!({"driver": "csi.example.com", "volumeHandle": "1", "fsType": "ext4"}),
    );
    volume
}

pub(super) fn claim() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "c", "namespace": "n", "uid": "uid-claim", "resourceVersion": "1",
            "annotations": {PROVISIONER: "example.com/legacy"},
        },
        "spec": {"volumeName": "data"},
        "status": {"phase": "Bound"},
    })
}

pub(super) fn task_of(volume: &Value) -> Task {
    Task {
        kind: ObjectKind::PersistentVolume,
        original: volume.to_string(),
        translated: csi(volume).to_string(),
        claim: Some(ClaimId {
            namespace: "n".into(),
            name: "c".into(),
            uid: "uid-claim".into(),
        }),
        claim_annotations: [(
            PROVISIONER.to_owned(),
            AnnotationChange {
                from: Some("example.com/legacy".into()),
                to: Some("csi.example.com".into()),
            },
        )]
        .into(),
        in_use: InUse::No,
        keep_delete: false,
    }
}

pub(super) fn task() -> Task {
    task_of(&volume("Delete"))
}

/// A StorageClass and its CSI form.
pub(super) fn class_task() -> Task {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "data", "uid": "uid-original", "resourceVersion": "1",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "example.com/legacy",
        "parameters": {"kind": "fast"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    let mut translated = class.clone();
    translated["provisioner"] = "csi.example.com".into();
    translated["parameters"] = json!({"type": "fast"});
    Task {
        kind: ObjectKind::StorageClass,
        original: class.to_string(),
        translated: translated.to_string(),
        claim: None,
        claim_annotations: Default::default(),
        in_use: InUse::No,
        keep_delete: false,
    }
}
