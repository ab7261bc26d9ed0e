//! A careless program that is killed loses volumes, and that does not go unseen.

mod tier_2 {
    use std::time::Duration;

    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Size};
    use flex2csi_testing::tool::{End, Tool};
    use flex2csi_testing::{Cluster, Setup, order, programs};

    async fn rig(pairs: usize) -> (Cluster, Fleet, Tool) {
        let setup = Setup::binding(ApiRate::FAST);
        let cluster = Cluster::start_with(&setup).await.unwrap();
        let fleet = Fleet::make(&cluster, &Size::pairs(pairs)).await.unwrap();
        let orders = order::write(&fleet, cluster.directory()).unwrap();
        let tool = Tool::new(programs::beside("bare-swap").unwrap())
            .kubeconfig(&cluster.kubeconfig())
            .arguments(["--orders".as_ref(), orders.as_os_str()])
            .arguments(["--outstanding", "16", "--wait"]);
        (cluster, fleet, tool)
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn one_that_runs_to_its_end_translates_all() {
        let (cluster, fleet, tool) = rig(150).await;
        cluster.install_definitions().await.unwrap();
        let witness = fleet.watch_with_journal(&cluster).await.unwrap();
        let ended = tool.arguments(["--journal"]).run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.peak_kib > 0);
        fleet.check(&cluster, Expect::Translated).await.unwrap();
        let seen = witness.so_far().await.unwrap();
        assert_eq!(seen.replaced, 150);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn one_that_records_nothing_is_found_out() {
        let (cluster, fleet, tool) = rig(20).await;
        let witness = fleet.watch_with_journal(&cluster).await.unwrap();
        let ended = tool.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let found = witness.so_far().await.unwrap_err();
        for member in fleet.members.values() {
            let about = |finding: &&String| finding.starts_with(&member.name);
            let found: Vec<&String> = found.0.iter().filter(about).collect();
            // Deleted, and created; one that was `Retain` is not touched before.
            assert!(found.len() >= 2, "{}: {found:?}", member.name);
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn one_that_is_killed_half_way_leaves_damage() {
        let (cluster, fleet, tool) = rig(150).await;
        let volumes = flex2csi_testing::api::volumes(&cluster.client().unwrap());
        // Killed at the moment at which a volume is gone; sooner or later it is.
        let mut moment = Duration::from_millis(400);
        let missing = loop {
            let ended = tool.run_until(&End::After(moment)).await.unwrap();
            let listed = volumes
                .list(&kube::api::ListParams::default())
                .await
                .unwrap();
            if listed.items.len() < fleet.members.len() {
                break fleet.members.len() - listed.items.len();
            }
            assert!(ended.was_killed(), "it ended without a loss");
            moment += Duration::from_millis(30);
        };
        let found = fleet.check(&cluster, Expect::Either).await.unwrap_err();
        let gone = found
            .0
            .iter()
            .filter(|found| found.contains("the volume is gone"));
        assert_eq!(gone.count(), missing);
    }
}
