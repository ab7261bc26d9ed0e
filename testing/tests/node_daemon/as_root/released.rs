//! What a dead node has.

mod tier_2 {
    use flex2csi::node_volumes::node_volumes;
    use flex2csi_testing::rights;
    use k8s_openapi::api::core::v1 as core;
    use kube::api::{Api, Patch, PatchParams};
    use serde_json::json;

    use crate::deployed::eventually;
    use crate::node::Node;

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn the_controller_releases_what_a_dead_node_has() {
        let mut node = Node::start("dies").await;
        let volume = node.volume("a").await;
        let pod = node.pod("web", &volume).await;
        pod.mount(&volume).unwrap();
        node.publishes_mounts_of(&[&pod]).await;
        node.kill_daemon();
        let _controller = node.controller().await;

        let nodes: Api<core::Node> = Api::all(node.admin.clone());
        let taint = Patch::Merge(json!({ "spec": { "taints": [
            { "key": "node.kubernetes.io/out-of-service", "value": "x", "effect": "NoExecute" },
        ] } }));
        let merge = PatchParams::default();
        let tainted = nodes.patch(&node.name, &merge, &taint);
        tainted.await.unwrap();
        // What the node said of itself a moment ago counts for more than the taint.
        let stays = "says that it uses the volume";
        eventually("it is looked at", async || {
            let log = std::fs::read_to_string(node.path("controller.log"));
            log.unwrap().contains(stays)
        })
        .await;
        assert!(!node.attachment(&volume).await.unwrap().is_being_deleted);

        // Time goes by.
        let old = Patch::Merge(json!({ "renewTime": "2026-01-01T00:00:00Z" }));
        let said = node_volumes(node.admin.clone());
        said.patch(&node.name, &merge, &old).await.unwrap();
        eventually("the attachment is gone", async || {
            node.attachment(&volume).await.is_none()
        })
        .await;
        eventually("the Lease is free", async || {
            node.lease(&volume).await.is_none()
        })
        .await;
        node.assert_nothing_denied("flex2csi-controller");
        node.assert_nothing_denied("flex2csi-node");
        rights::prove(&node.cluster, "node_daemon::released", &[]).await;
    }
}
