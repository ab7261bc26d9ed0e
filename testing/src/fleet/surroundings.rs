//! What stands around the volumes: namespaces, classes, nodes, drivers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kind::Kind;
use super::pair::NAMESPACES;

/// The nodes, on which nothing runs.
pub const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

pub fn namespaces() -> Vec<Value> {
    let namespace = |name: &&str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    NAMESPACES.iter().map(namespace).collect()
}

/// The class of each provisioner; the first is the cluster's default.
pub fn storage_classes(kinds: &[&'static Kind]) -> Vec<Value> {
    let provisioned = kinds.iter().filter(|kind| kind.provisioner.is_some());
    let classes = provisioned.enumerate().map(|(number, kind)| {
        let mut class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": { "name": kind.class() },
            "provisioner": kind.provisioner,
            "reclaimPolicy": if number % 2 == 0 { "Delete" } else { "Retain" },
            "volumeBindingMode": if number % 3 == 0 { "WaitForFirstConsumer" } else { "Immediate" },
        });
        let parameters = (kind.parameters)();
        // As the server writes it.
        if parameters != json!({}) {
            class["parameters"] = parameters;
        }
        if number == 0 {
            class["metadata"]["annotations"] =
                json!({ "storageclass.kubernetes.io/is-default-class": "true" });
        }
        class
    });
    classes.collect()
}

/// Nodes, and what kubelet and the drivers write about them.
pub fn nodes(drivers: &BTreeSet<String>) -> Vec<Value> {
    let node = |name: &&str| {
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": name,
                "labels": { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "eu-west-1a" },
                "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
            },
        });
        let registered = drivers
            .iter()
            .map(|driver| json!({ "name": driver, "nodeID": name, "topologyKeys": [] }));
        let csi_node = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
            "metadata": { "name": name },
            "spec": { "drivers": registered.collect::<Vec<_>>() },
        });
        [node, csi_node]
    };
    NODES.iter().flat_map(node).collect()
}

/// That kubelet finds each node ready.
pub fn node_status() -> Value {
    json!({ "status": { "conditions": [{
        "type": "Ready", "status": "True", "reason": "KubeletReady",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}})
}

pub fn csi_drivers(drivers: &BTreeSet<String>) -> Vec<Value> {
    let driver = |name: &String| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": { "name": name },
            "spec": { "attachRequired": true, "podInfoOnMount": true },
        })
    };
    drivers.iter().map(driver).collect()
}
