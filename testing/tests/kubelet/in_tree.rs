//! An in-tree volume that the cluster serves through CSI, rewritten under its pod.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::{Attachments, Backend, NODES, Pod, Story};
    use flex2csi_testing::tool::Tool;
    use serde_json::{Value, json};

    use crate::writer::{writer, writes_on};

    const DRIVER: &str = "ebs.csi.aws.com";

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn it_is_rewritten_and_brought_back_under_a_pod_that_writes() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.apply("deploy/crds").await.unwrap();
        lab.install_backend_as(Backend::Disks, DRIVER)
            .await
            .unwrap();
        let story = Story::begin(lab.clone(), "in-tree").await;
        let handle = story.provisioned_by(DRIVER, "disk").await;
        let source = json!({ "awsElasticBlockStore": { "volumeID": handle, "fsType": "ext4" } });
        let volume = story.volume("disk", "ReadWriteOnce", source).await;
        let attachments = Attachments::watch(&lab).unwrap();
        let pod = story.run(&writer("writer", "disk").on(NODES[0])).await;
        writes_on(&pod).await;

        for (verb, form) in [
            ("rewrite", "csi"),
            ("rollback", "awsElasticBlockStore"),
            ("rewrite", "csi"),
        ] {
            done(&story, verb).await;
            let pv = lab
                .kubectl(["get", "pv", &volume, "-o", "json"])
                .await
                .unwrap();
            let pv: Value = serde_json::from_str(&pv).unwrap();
            assert!(pv["spec"][form].is_object(), "{pv}");
            writes_on(&pod).await;
            lab.restart_kubelet(NODES[0]).await.unwrap();
            writes_on(&pod).await;
        }

        pod.delete().await;
        // Mounts name the handle, the attachment the volume.
        story.nothing_left_of(&handle).await;
        story.nothing_left_of(&volume).await;
        let uids = attachments.assert_one_node_at_a_time(&[&volume]);
        assert_eq!(uids.len(), 1, "one attachment throughout");
        let reader = Pod::new("reader").on(NODES[1]).claim("disk", "/data");
        let reader = story.run(&reader).await;
        assert_ne!(reader.exec("cat /data/log").await, "");
        reader.delete().await;
    }

    async fn done(story: &Story, verb: &str) {
        let tool = Tool::flex2csi().unwrap();
        let tool = tool
            .arguments([
                verb,
                "-n",
                story.namespace(),
                "--without-node-evidence",
                "--yes",
            ])
            .kubeconfig(&story.lab.cluster.kubeconfig());
        let ended = tool.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    }
}
