//! A provisioned volume is deleted with the Secret that its class names after
//! translation; external-provisioner reads that from the volume's annotations.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Context, Values, translate};
use serde_json::{Value, json};

/// The annotations of the translated volume.
fn annotations(class: &Value, provisioned_by: Option<&str>, source: &Value) -> Value {
    let (values, mappings) = (Values::default(), Mappings::built_in());
    let class = class.to_string();
    let class = StorageClass::read(Object::parse(&class).unwrap()).unwrap();
    let context = Context {
        storage_class: Some(&class),
        ..Context::new(&values, &mappings)
    };
    let mut spec = source.clone();
    spec["accessModes"] = json!(["ReadWriteOnce"]);
    spec["storageClassName"] = json!("fast");
    spec["claimRef"] = json!({"namespace": "shop", "name": "data"});
    let mut metadata = json!({"name": "pvc-1", "annotations": {"a": "b"}});
    if let Some(provisioned_by) = provisioned_by {
        metadata["annotations"]["pv.kubernetes.io/provisioned-by"] = json!(provisioned_by);
    }
    let pv =
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec});
    let text = pv.to_string();
    let outcome = translate(Object::parse(&text).unwrap(), &context).unwrap();
    assert!(outcome.changed);
    let out: Value = serde_json::from_str(&outcome.object.to_json()).unwrap();
    out["metadata"]["annotations"].clone()
}

fn with_secret(driver: &str, name: &str, namespace: &str) -> Value {
    json!({
        "a": "b",
        "pv.kubernetes.io/provisioned-by": driver,
        "volume.kubernetes.io/provisioner-deletion-secret-name": name,
        "volume.kubernetes.io/provisioner-deletion-secret-namespace": namespace,
    })
}

#[test]
fn an_in_tree_rbd_volume_is_deleted_with_its_class_administrator() {
    let class = json!({
        "metadata": {"name": "fast"}, "provisioner": "kubernetes.io/rbd",
        "parameters": {"monitors": "m:1", "adminSecretName": "ceph-admin", "adminSecretNamespace": "ceph"},
    });
    let image = "kubernetes-dynamic-pvc-1";
    let source = json!({"rbd": {
        "monitors": ["m:1"], "image": image, "pool": "p", "secretRef": {"name": "s", "namespace": "n"},
    }});
    assert_eq!(
        annotations(&class, Some("kubernetes.io/rbd"), &source),
        with_secret("rbd.csi.ceph.com", "ceph-admin", "ceph")
    );
}

#[test]
fn a_rook_block_volume_is_deleted_with_the_secret_of_the_translated_class() {
    let class = json!({
        "metadata": {"name": "fast"}, "provisioner": "ceph.rook.io/block",
        "parameters": {"clusterNamespace": "rook-a", "blockPool": "p"},
    });
    let source = json!({"flexVolume": {
        "driver": "ceph.rook.io/rook-a", "fsType": "ext4",
        "options": {"image": "i", "pool": "p", "clusterNamespace": "rook-a"},
    }});
    assert_eq!(
        annotations(&class, Some("ceph.rook.io/block"), &source),
        with_secret(
            "rook-a.rbd.csi.ceph.com",
            "rook-csi-rbd-provisioner",
            "rook-a"
        )
    );
    // Nobody provisioned it: nobody is to delete it.
    assert_eq!(annotations(&class, None, &source), json!({"a": "b"}));
}

#[test]
fn a_class_of_the_csi_driver_already_says_the_secret_itself() {
    let class = json!({
        "metadata": {"name": "fast"}, "provisioner": "rook-a.rbd.csi.ceph.com",
        "parameters": {
            "csi.storage.k8s.io/provisioner-secret-name": "${pv.name}-${pvc.name}",
            "csi.storage.k8s.io/provisioner-secret-namespace": "${pvc.namespace}",
        },
    });
    let source = json!({"flexVolume": {
        "driver": "ceph.rook.io/rook-a", "fsType": "ext4",
        "options": {"image": "i", "pool": "p", "clusterNamespace": "rook-a"},
    }});
    assert_eq!(
        annotations(&class, Some("ceph.rook.io/block"), &source),
        with_secret("rook-a.rbd.csi.ceph.com", "pvc-1-data", "shop")
    );
}
