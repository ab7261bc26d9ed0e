//! Pods whose volumes are FlexVolumes, mounted through CSI.

mod tier_3 {
    use flex2csi_testing::lab::{Attachments, Backend, NODES, Pod, Story};
    use serde_json::json;

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_volume_goes_from_node_to_node_with_its_data() {
        for backend in [Backend::Files, Backend::Disks] {
            let namespace = format!("moves-{backend:?}").to_lowercase();
            let story = Story::of_shim(&namespace).await;
            let handle = story.flex_volume(backend, "data").await;
            for (node, before) in [
                (NODES[0], ""),
                (NODES[1], "node-1\n"),
                (NODES[0], "node-1\nnode-2\n"),
            ] {
                let pod = Pod::new("writer").on(node).claim("data", "/data");
                let pod = story.run(&pod).await;
                assert_eq!(pod.exec("touch /data/log; cat /data/log").await, before);
                pod.exec(&format!("echo {node} >>/data/log; sync")).await;
                pod.delete().await;
                story.nothing_left_of(&handle).await;
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn pods_of_a_node_share_a_volume_until_the_last_has_gone() {
        let story = Story::of_shim("shares").await;
        let handle = story.flex_volume(Backend::Disks, "data").await;
        let pod = |name: &str| Pod::new(name).on(NODES[0]).claim("data", "/data");
        let (first, second) = (
            story.run(&pod("first")).await,
            story.run(&pod("second")).await,
        );
        first.exec("echo from the first >/data/log").await;
        assert_eq!(second.exec("cat /data/log").await, "from the first\n");
        first.delete().await;
        second.exec("echo from the second >>/data/log").await;
        assert_eq!(second.exec("wc -l </data/log").await.trim(), "2");
        second.delete().await;
        story.nothing_left_of(&handle).await;
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_read_only_volume_is_read_and_not_written() {
        let story = Story::of_shim("read-only").await;
        let handle = story.flex_volume(Backend::Files, "data").await;
        let writer = story
            .run(&Pod::new("writer").on(NODES[0]).claim("data", "/data"))
            .await;
        writer.exec("echo kept >/data/file").await;
        writer.delete().await;
        let source = json!({ "persistentVolumeClaim": { "claimName": "data", "readOnly": true } });
        let reader = Pod::new("reader").volume("data", source, json!({ "mountPath": "/data" }));
        let reader = story.run(&reader).await;
        assert_eq!(reader.exec("cat /data/file").await, "kept\n");
        let refused = reader.try_exec("echo lost >/data/file").await.unwrap_err();
        assert!(refused.contains("Read-only file system"), "{refused}");
        reader.delete().await;
        story.nothing_left_of(&handle).await;
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn files_belong_to_the_pods_group() {
        let story = Story::of_shim("group").await;
        let handle = story.flex_volume(Backend::Disks, "data").await;
        let pod = Pod::new("grouped").claim("data", "/data").fs_group(2345);
        let pod = story.run(&pod).await;
        assert_eq!(pod.exec("stat -c %g /data").await, "2345\n");
        assert_eq!(
            pod.exec("touch /data/new; stat -c %g /data/new").await,
            "2345\n"
        );
        pod.delete().await;
        story.nothing_left_of(&handle).await;
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_sub_path_is_a_part_of_the_volume() {
        let story = Story::of_shim("sub-path").await;
        let handle = story.flex_volume(Backend::Files, "data").await;
        let claim = json!({ "persistentVolumeClaim": { "claimName": "data" } });
        let part = json!({ "mountPath": "/part", "subPath": "deep/part" });
        let pod = Pod::new("parts")
            .claim("data", "/data")
            .volume("data", claim, part);
        let pod = story.run(&pod).await;
        pod.exec("echo inside >/part/file").await;
        assert_eq!(pod.exec("cat /data/deep/part/file").await, "inside\n");
        pod.delete().await;
        story.nothing_left_of(&handle).await;
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_pods_own_volume_needs_no_claim() {
        let story = Story::of_shim("inline").await;
        let handle = story.provisioned(Backend::Files, "data").await;
        let pod = Pod::new("inline").volume(
            "data",
            Backend::Files.flex_source(&handle),
            json!({ "mountPath": "/data" }),
        );
        let first = story.run(&pod).await;
        first.exec("echo kept >/data/file").await;
        first.delete().await;
        story.nothing_left_of(&handle).await;
        let again = story.run(&pod).await;
        assert_eq!(again.exec("cat /data/file").await, "kept\n");
        again.delete().await;
        story.nothing_left_of(&handle).await;
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn of_two_nodes_that_want_a_disk_one_has_it_at_a_time() {
        let story = Story::of_shim("races").await;
        let handle = story.flex_volume(Backend::Disks, "data").await;
        let attachments = Attachments::watch(&story.lab).unwrap();
        let pod = |node: &str| Pod::new(node).on(node).claim("data", "/data");
        // The scheduler does not know that the volume is for one node at a time.
        let pods = [
            story.start(&pod(NODES[0])).await,
            story.start(&pod(NODES[1])).await,
        ];
        let mut winner = None;
        story
            .until("one of the pods runs", async || {
                for (index, pod) in pods.iter().enumerate() {
                    if pod.phase().await == "Running" {
                        winner = Some(index);
                    }
                }
                winner.is_some()
            })
            .await;
        let (winner, loser) = match winner {
            Some(0) => (&pods[0], &pods[1]),
            _ => (&pods[1], &pods[0]),
        };
        winner.exec("echo from the first >/data/log; sync").await;
        let said = loser.event("MountVolume.SetUp failed").await;
        assert!(said.contains(&winner.node().await), "{said}");
        assert_eq!(loser.phase().await, "Pending");
        winner.delete().await;
        loser.running().await;
        assert_eq!(loser.exec("cat /data/log").await, "from the first\n");
        loser.delete().await;
        story.nothing_left_of(&handle).await;
        let uids = attachments.assert_one_node_at_a_time(&[&handle]);
        assert_eq!(uids.len(), 2, "one for each node");
    }
}
