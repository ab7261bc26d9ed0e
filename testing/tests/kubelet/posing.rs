//! The embedded backend as one more CSI driver, beside those of
//! `deploy/overlays/test-hostpath`.

use flex2csi_testing::lab::backend::BACKEND_NAMESPACE;
use serde_json::{Value, json};

/// A container that runs it.
pub fn backend(name: &str, arguments: &[String]) -> Value {
    let both = "Bidirectional";
    json!({
        "name": name,
        "image": "docker.io/library/flex2csi-hostpath:test",
        "args": arguments,
        "env": [{ "name": "NODE_NAME", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }],
        "securityContext": { "privileged": true },
        "volumeMounts": [
            { "name": "csi", "mountPath": "/csi" },
            { "name": "kubelet", "mountPath": "/var/lib/kubelet", "mountPropagation": both },
            { "name": "state", "mountPath": "/var/lib/hostpath.flex2csi.io", "mountPropagation": both },
            { "name": "dev", "mountPath": "/dev" },
        ],
    })
}

/// A workload of such containers, with the rights of one of the backend's accounts.
pub fn workload(kind: &str, name: &str, account: &str, containers: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": name, "namespace": BACKEND_NAMESPACE },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "serviceAccountName": account,
                    "containers": containers,
                    "volumes": [
                        { "name": "csi", "emptyDir": {} },
                        { "name": "kubelet", "hostPath": { "path": "/var/lib/kubelet" } },
                        { "name": "state", "hostPath": { "path": "/var/lib/hostpath.flex2csi.io" } },
                        { "name": "dev", "hostPath": { "path": "/dev" } },
                    ],
                },
            },
        },
    })
}
