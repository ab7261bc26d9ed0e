//! Volumes rewritten under running pods that the shim serves.

mod tier_3 {
    use flex2csi_testing::lab::story::Started;
    use flex2csi_testing::lab::{Attachments, Backend, Lab, NODES, Pod, Story};
    use flex2csi_testing::tool::Tool;
    use serde_json::Value;
    use std::sync::Arc;

    use crate::writer::{writer, writes_on};

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn volumes_become_csi_under_pods_that_write_all_the_time() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        let story = Story::begin(lab.clone(), "rewritten").await;
        let disk = story.flex_volume(Backend::Disks, "disk").await;
        let files = story.flex_volume(Backend::Files, "files").await;
        let attachments = Attachments::watch(&lab).unwrap();
        let pods = [
            story.run(&writer("disk", "disk").on(NODES[0])).await,
            story.run(&writer("files", "files").on(NODES[1])).await,
        ];
        all_write_on(&pods).await;

        rewrite(&story).await;
        for (name, handle) in [("disk", &disk), ("files", &files)] {
            let pv = format!("{}-{name}", story.namespace());
            let pv = lab.kubectl(["get", "pv", &pv, "-o", "json"]).await.unwrap();
            let pv: Value = serde_json::from_str(&pv).unwrap();
            assert_eq!(pv["spec"]["csi"]["volumeHandle"], handle.as_str());
            assert_eq!(pv["status"]["phase"], "Bound");
        }
        all_write_on(&pods).await;

        for node in NODES {
            lab.restart_kubelet(node).await.unwrap();
        }
        all_write_on(&pods).await;

        for pod in &pods {
            pod.delete().await;
        }
        story.nothing_left_of(&disk).await;
        story.nothing_left_of(&files).await;
        let names = [disk.as_str(), "rewritten-disk"];
        let uids = attachments.assert_one_node_at_a_time(&names);
        assert_eq!(uids.len(), 1, "one attachment throughout");

        // And the next pods have it from kubelet itself, on another node.
        let reader = Pod::new("reader").on(NODES[1]).claim("disk", "/data");
        let reader = story.run(&reader).await;
        assert_ne!(reader.exec("cat /data/log").await, "");
        reader.delete().await;
        story.nothing_left_of(&disk).await;
    }

    /// As an operator does, who has looked at the plan.
    async fn rewrite(story: &Story) {
        let namespace = story.namespace();
        let tool = Tool::flex2csi().unwrap();
        let tool = tool
            .arguments([
                "rewrite",
                "-n",
                namespace,
                "--yes",
                "--pin-image=flex2csi:test",
            ])
            .kubeconfig(&story.lab.cluster.kubeconfig());
        let ended = tool.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    }

    async fn all_write_on(pods: &[Started<'_>]) {
        for pod in pods {
            writes_on(pod).await;
        }
    }
}
