//! The API server does not answer.

mod tier_2 {
    use crate::deployed::eventually;
    use crate::kubelet::mounts_on;
    use crate::node::Node;

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn an_unmount_does_not_wait_and_what_is_left_is_done_later() {
        let mut node = Node::start("waits").await;
        let volume = node.volume("a").await;
        let (web, cron) = (
            node.pod("web", &volume).await,
            node.pod("cron", &volume).await,
        );
        web.mount(&volume).unwrap();
        node.delete_pod(&web).await;

        node.cluster.apiserver.pause().await.unwrap();
        let error = cron.mount(&volume).unwrap_err();
        assert!(error.contains("API server"), "{error}");
        assert_eq!(mounts_on(&web.target(&volume)), 1);

        web.unmount(&volume).unwrap();
        assert_eq!(mounts_on(&web.target(&volume)), 0);
        let pending = "nobody says whether kubelet still needs the volume";
        let log = node.log();
        assert!(!log.contains(pending), "it was waited for: {log}");
        eventually("it is recorded", async || {
            node.recorded() == [0] && node.log().contains(pending)
        })
        .await;
        assert!(node.is_staged(&volume));

        // Another daemon comes up without the API server, and has it done after that.
        node.start_daemon().await;
        assert_eq!(node.recorded(), [0]);
        assert!(node.is_staged(&volume));
        node.cluster.apiserver.resume().await.unwrap();
        node.comes_to_nothing_left(&volume).await;
        cron.mount(&volume).unwrap();
        node.publishes_mounts_of(&[&cron]).await;
        node.assert_nothing_denied("flex2csi-node");
    }
}
