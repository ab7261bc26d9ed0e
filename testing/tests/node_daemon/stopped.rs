//! The API server does not answer.

mod tier_2 {
    use std::process::Command;
    use std::sync::Arc;

    use flex2csi_testing::Cluster;

    use crate::kubelet::mounts_on;
    use crate::node::{Node, within_two_minutes};

    fn signal(cluster: &Cluster, signal: &str) {
        let id = cluster.apiserver.process.id();
        let command = format!("kill -{signal} {id}");
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.unwrap().success());
    }

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn an_unmount_does_not_wait_and_what_is_left_is_done_later() {
        let cluster = Arc::new(Cluster::start().await.unwrap());
        let node = Node::start_in(cluster.clone(), "waits").await;
        let volume = node.volume("a").await;
        let (web, cron) = (
            node.pod("web", &volume).await,
            node.pod("cron", &volume).await,
        );
        web.mount(&volume).unwrap();
        node.delete_pod(&web).await;

        signal(&cluster, "STOP");
        let error = cron.mount(&volume).unwrap_err();
        assert!(error.contains("API server"), "{error}");
        assert_eq!(mounts_on(&web.target(&volume)), 1);

        web.unmount(&volume).unwrap();
        assert_eq!(mounts_on(&web.target(&volume)), 0);
        // Nobody has said yet whether the volume is needed.
        assert!(node.is_staged(&volume));
        assert_eq!(node.recorded().len(), 1);
        let log = node.log();
        let is_asked = "nobody says whether kubelet still needs the volume";
        assert!(!log.contains(is_asked), "{log}");

        signal(&cluster, "CONT");
        within_two_minutes("it is released", async || node.recorded().is_empty()).await;
        node.comes_to_nothing_left(&volume).await;
        cron.mount(&volume).unwrap();
        node.publishes_mounts_of(&[&cron]).await;
        node.assert_nothing_denied();
    }
}
