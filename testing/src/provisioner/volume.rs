//! The PersistentVolume of what was made.

use serde_json::{Value, json};

use super::{FINALIZER, PROVISIONED_BY, request};

/// How the volume of a claim is named, for the driver and in the cluster.
pub(super) fn name_for(claim: &Value) -> String {
    let uid = claim["metadata"]["uid"].as_str().unwrap_or_default();
    format!("pvc-{uid}")
}

/// The PersistentVolume of `made`, CreateVolume's volume, bound to the claim beforehand.
pub(super) fn of(claim: &Value, class: &Value, made: &Value, name: &str, driver: &str) -> Value {
    let mut attributes = made["volumeContext"].clone();
    attributes["storage.kubernetes.io/csiProvisionerIdentity"] = json!(name);
    let mut csi = json!({
        "driver": driver,
        "volumeHandle": made["volumeId"],
        "volumeAttributes": attributes,
    });
    if let Some(fs_type) = request::fs_type(class) {
        csi["fsType"] = json!(fs_type);
    }
    let policy = class["reclaimPolicy"].as_str().unwrap_or("Delete");
    let claim_ref = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "namespace": claim["metadata"]["namespace"],
        "name": claim["metadata"]["name"],
        "uid": claim["metadata"]["uid"],
        "resourceVersion": claim["metadata"]["resourceVersion"],
    });
    let mut spec = json!({
        "accessModes": claim["spec"]["accessModes"],
        "capacity": { "storage": capacity(claim, made) },
        "claimRef": claim_ref,
        "csi": csi,
        "mountOptions": class["mountOptions"].as_array().cloned().unwrap_or_default(),
        "persistentVolumeReclaimPolicy": policy,
        "storageClassName": class["metadata"]["name"],
        "volumeMode": "Filesystem",
    });
    let terms = node_selector_terms(&made["accessibleTopology"]);
    if !terms.is_empty() {
        spec["nodeAffinity"] = json!({ "required": { "nodeSelectorTerms": terms } });
    }
    let finalizers: &[&str] = if policy == "Delete" {
        &[FINALIZER]
    } else {
        &[]
    };
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {
            "name": name_for(claim),
            "annotations": { PROVISIONED_BY: name },
            "finalizers": finalizers,
        },
        "spec": spec,
    })
}

/// Whether nobody claims a volume of this provisioner any more, and it is to go.
pub(super) fn is_to_be_deleted(volume: &Value, name: &str, driver: &str) -> bool {
    volume["metadata"]["annotations"][PROVISIONED_BY] == name
        && volume["spec"]["csi"]["driver"] == driver
        && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        && volume["status"]["phase"] == "Released"
}

/// A driver that does not say has made what was asked for.
fn capacity(claim: &Value, made: &Value) -> Value {
    match made["capacityBytes"].as_str() {
        Some(bytes) if bytes != "0" => json!(bytes),
        _ => claim["spec"]["resources"]["requests"]["storage"].clone(),
    }
}

/// The nodes that reach a volume. It is reached from everywhere if a place is named
/// that has no bounds.
fn node_selector_terms(accessible: &Value) -> Vec<Value> {
    let mut terms = Vec::new();
    for topology in accessible.as_array().into_iter().flatten() {
        let segments = topology["segments"].as_object();
        let expressions: Vec<Value> = segments
            .into_iter()
            .flatten()
            .map(|(key, value)| json!({ "key": key, "operator": "In", "values": [value] }))
            .collect();
        if expressions.is_empty() {
            return Vec::new();
        }
        terms.push(json!({ "matchExpressions": expressions }));
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Value {
        let claim = json!({
            "metadata": { "namespace": "n", "name": "c", "uid": "u", "resourceVersion": "7" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
            },
        });
        let class = json!({ "metadata": { "name": "fast" }, "parameters": {} });
        let answer = json!({
            "volumeId": "h",
            "capacityBytes": "2147483648",
            "volumeContext": { "a": "b" },
            "accessibleTopology": [{ "segments": { "zone": "a" } }],
        });
        of(&claim, &class, &answer, "p", "d")
    }

    #[test]
    fn it_says_what_the_driver_made_and_from_where_it_is_reached() {
        let volume = made();
        assert_eq!(volume["metadata"]["name"], "pvc-u");
        let spec = &volume["spec"];
        assert_eq!(spec["capacity"]["storage"], "2147483648");
        assert_eq!(spec["csi"]["volumeHandle"], "h");
        assert_eq!(spec["csi"]["volumeAttributes"]["a"], "b");
        assert_eq!(spec["claimRef"]["uid"], "u");
        let expression = json!({ "key": "zone", "operator": "In", "values": ["a"] });
        let affinity =
            json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [expression] }] } });
        assert_eq!(spec["nodeAffinity"], affinity);
    }

    #[test]
    fn it_goes_when_it_is_released_by_who_made_it() {
        let mut volume = made();
        assert!(!is_to_be_deleted(&volume, "p", "d"));
        volume["status"] = json!({ "phase": "Released" });
        assert!(is_to_be_deleted(&volume, "p", "d"));
        assert!(!is_to_be_deleted(&volume, "another", "d"));
        volume["spec"]["persistentVolumeReclaimPolicy"] = json!("Retain");
        assert!(!is_to_be_deleted(&volume, "p", "d"));
    }

    #[test]
    fn what_has_no_bounds_is_reached_from_everywhere() {
        let everywhere = json!([{ "segments": { "zone": "a" } }, { "segments": {} }]);
        assert!(node_selector_terms(&everywhere).is_empty());
        assert!(node_selector_terms(&Value::Null).is_empty());
    }
}
