//! A volume's whole life through the daemon, where its driver needs an attachment.

mod tier_2 {
    use flex2csi_testing::rights;
    use serde_json::{Value, json};

    use crate::cluster::DRIVER;
    use crate::kubelet::mounts_on;
    use crate::node::Node;

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn a_volume_is_attached_shared_and_let_go() {
        let node = Node::start("whole").await;
        let volume = node.volume("a").await;
        let web = node.pod("web", &volume).await;
        web.mount(&volume).unwrap();

        // As kubelet's CSI plugin would have it.
        let attachment = node.attachment(&volume).await.unwrap();
        assert!(attachment.attached.is_some());
        assert_eq!(attachment.volume, Some(node.id(&volume)));
        assert_eq!(attachment.names_volume, None);
        let lease = node.lease(&volume).await.unwrap();
        assert_eq!(lease.holder.as_deref(), Some("whole"));
        assert!(node.is_staged(&volume));
        let data = std::fs::read(node.staging(&volume).join("vol_data.json")).unwrap();
        let data: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(data["driverName"], *node.driver);
        assert_eq!(data["volumeHandle"], *volume.handle());
        node.publishes_mounts_of(&[&web]).await;

        let config = node.path("config.yaml");
        let args = [
            "node",
            "status",
            "-o",
            "json",
            "--config",
            config.to_str().unwrap(),
        ];
        assert_eq!(
            node.run(&args),
            json!([{
                "namespace": "default", "pod": web.name, "podUID": web.uid,
                "volume": volume.name, "flexDriver": DRIVER,
                "csiDriver": node.driver, "handle": volume.handle(),
                "target": web.target(&volume), "state": "mounted",
            }])
        );

        let cron = node.pod("cron", &volume).await;
        cron.mount(&volume).unwrap();
        std::fs::write(web.target(&volume).join("file"), "data").unwrap();
        let read = std::fs::read(cron.target(&volume).join("file")).unwrap();
        assert_eq!(read, b"data");
        node.publishes_mounts_of(&[&web, &cron]).await;

        node.delete_pod(&web).await;
        web.unmount(&volume).unwrap();
        node.pod_is_gone(&web).await;
        node.publishes_mounts_of(&[&cron]).await;
        assert_eq!(mounts_on(&cron.target(&volume)), 1);
        assert_eq!(node.attachment(&volume).await.unwrap().uid, attachment.uid);

        node.delete_pod(&cron).await;
        cron.unmount(&volume).unwrap();
        node.comes_to_nothing_left(&volume).await;
        node.pod_is_gone(&cron).await;
        node.assert_nothing_denied("flex2csi-node");
        rights::prove(&node.cluster, "node_daemon::attached", &[]).await;
        assert!(!node.log().contains("secret-of-the-admin"));
    }
}
