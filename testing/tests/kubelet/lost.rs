//! A node that is lost with a disk attached.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::{Attachments, Backend, NODES, Pod, Story};

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_lost_nodes_disk_goes_to_the_other_once_it_is_out_of_service() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        let story = Story::begin(lab.clone(), "lost").await;
        let handle = story.flex_volume(Backend::Disks, "data").await;
        let attachments = Attachments::watch(&lab).unwrap();
        let lost = story
            .run(&Pod::new("lost").on(NODES[1]).claim("data", "/data"))
            .await;
        lost.exec("echo before >/data/log; sync").await;

        lab.node(NODES[1]).lose().await;
        let heir = story
            .start(&Pod::new("heir").on(NODES[0]).claim("data", "/data"))
            .await;
        // Nobody knows yet whether the node only fell silent.
        let said = heir.event("MountVolume.SetUp failed").await;
        assert!(said.contains(NODES[1]), "{said}");
        let not_ready = [
            "wait",
            "--for=condition=Ready=Unknown",
            "--timeout=120s",
            "node",
            NODES[1],
        ];
        lab.kubectl(not_ready).await.unwrap();
        assert_eq!(heir.phase().await, "Pending");

        let taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
        lab.kubectl(["taint", "node", NODES[1], taint])
            .await
            .unwrap();
        heir.running().await;
        assert_eq!(heir.exec("cat /data/log").await, "before\n");
        lost.gone().await;

        lab.boot(NODES[1]).await.unwrap();
        lab.kubectl(["taint", "node", NODES[1], &format!("{taint}-")])
            .await
            .unwrap();
        heir.delete().await;
        story.nothing_left_of(&handle).await;
        let back = story
            .run(&Pod::new("back").on(NODES[1]).claim("data", "/data"))
            .await;
        assert_eq!(back.exec("cat /data/log").await, "before\n");
        back.delete().await;
        story.nothing_left_of(&handle).await;
        attachments.assert_one_node_at_a_time(&[&handle]);
    }
}
