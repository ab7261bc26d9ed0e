//! The lab itself: nodes run pods, are lost and come back.

mod tier_3 {
    use flex2csi_testing::lab::{Lab, NODES, Pod, Story};
    use serde_json::json;

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn pods_run_on_both_nodes_and_share_nothing() {
        let lab = Lab::shared().await.unwrap();
        let story = Story::begin(lab.clone(), "nodes").await;
        let host_path =
            json!({ "hostPath": { "path": "/var/lib/kubelet/mine", "type": "DirectoryOrCreate" } });
        for node in NODES {
            let pod = Pod::new(node).on(node).volume(
                "mine",
                host_path.clone(),
                json!({ "mountPath": "/mine" }),
            );
            let pod = story.run(&pod).await;
            assert_eq!(pod.exec("ls /mine; hostname >/mine/name").await, "");
            assert_eq!(pod.node().await, node);
            let written = lab.node(node).path("/var/lib/kubelet/mine/name");
            assert_eq!(std::fs::read_to_string(written).unwrap().trim(), node);
            pod.delete().await;
        }
    }
}
