//! What is done to a volume that must never be done to one is found out.

mod tier_2 {
    use std::time::Instant;

    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Size};
    use flex2csi_testing::{Cluster, Setup};

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn try_it() {
        let start = Instant::now();
        let cluster = Cluster::start_with(&Setup::binding(ApiRate::DEFAULT))
            .await
            .unwrap();
        eprintln!("cluster {:?}", start.elapsed());
        let fleet = Fleet::make(&cluster, &Size::pairs(500)).await.unwrap();
        eprintln!("fleet {:?}", start.elapsed());
        let witness = fleet.watch(&cluster).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        fleet.check(&cluster, Expect::Originals).await.unwrap();
        let lost = witness.so_far().await.unwrap();
        eprintln!("{lost}");
        let audit = flex2csi_testing::audit::Audit::read(cluster.directory()).unwrap();
        eprintln!("{:#?}", audit.counts("system:kube-controller-manager"));
        cluster.apiserver.kill().await;
        cluster.apiserver.start_again().await.unwrap();
        fleet.check(&cluster, Expect::Originals).await.unwrap();
        eprintln!("restarted {:?}", start.elapsed());
    }
}
