//! What `deploy/` puts into a cluster.

use std::time::Duration;

use flex2csi_testing::Cluster;
use flex2csi_testing::account::client_of_pod;
use flex2csi_testing::applied::applied;
use flex2csi_testing::deployed::deployed;
use http::Request;
use serde_json::json;

pub const NAMESPACE: &str = "flex2csi-system";

const FILES: [&str; 6] = [
    "crds/nodevolumes.yaml",
    "rbac/node-account.yaml",
    "rbac/node-reads.yaml",
    "rbac/node-attach.yaml",
    "rbac/controller.yaml",
    "admission/node-writes.yaml",
];

/// Applies the files, and waits until the server denies what the policies deny.
pub async fn deploy(cluster: &Cluster) {
    for file in FILES {
        applied(cluster, deployed(file)).await.unwrap();
    }
    let unknown = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "unknown" } });
    applied(cluster, [unknown]).await.unwrap();
    let node = client_of_pod(cluster, NAMESPACE, "flex2csi-node", "unknown")
        .await
        .unwrap();
    let new = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
        "metadata": { "name": "none" },
        "spec": { "attacher": "x", "nodeName": "unknown", "source": { "persistentVolumeName": "x" } },
    });
    let denied = async || {
        let path = "/apis/storage.k8s.io/v1/volumeattachments?dryRun=All";
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(new.to_string().into_bytes());
        let created = node.request_text(request.unwrap()).await;
        created.is_err_and(|error| error.to_string().contains("flex2csi-node-writes"))
    };
    eventually("the policies count", denied).await;
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.unwrap_or_else(|_| panic!("not within a minute: {what}"));
}
