//! A fleet is bound, and stays so through restarts of the control plane.

mod tier_2 {
    use flex2csi_testing::audit::Audit;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Size};
    use flex2csi_testing::users::User;
    use flex2csi_testing::{Cluster, Setup};
    use k8s_openapi::api::core::v1::PersistentVolume;
    use kube::Api;
    use kube::api::ListParams;
    use kube::config::{Config, KubeConfigOptions, Kubeconfig};

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn of_the_api_server_and_of_the_controllers() {
        let stranger = User::service_account("shop", "stranger");
        let setup = Setup::binding(ApiRate::FAST).user(stranger.clone());
        let cluster = Cluster::start_with(&setup).await.unwrap();
        let fleet = Fleet::make(&cluster, &Size::pairs(100)).await.unwrap();
        let witness = fleet.watch(&cluster).await.unwrap();

        cluster.apiserver.kill().await;
        cluster.apiserver.start_again().await.unwrap();
        cluster.controllers().kill().await;
        cluster.controllers().start_again().await.unwrap();

        fleet.check(&cluster, Expect::Originals).await.unwrap();
        let seen = witness.so_far().await.unwrap();
        assert_eq!((seen.replaced, seen.claims), (0, 0));

        // Who may do nothing is turned away, and that is on record.
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_of(&stranger)).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let client = kube::Client::try_from(config.unwrap()).unwrap();
        let volumes: Api<PersistentVolume> = Api::all(client);
        volumes.list(&ListParams::default()).await.unwrap_err();
        let audit = Audit::read(cluster.directory()).unwrap();
        let denied = audit.denied(&stranger.name);
        assert_eq!(denied.len(), 1, "{denied:?}");
        assert_eq!(denied[0].resource, "persistentvolumes");
        assert!(audit.denied("admin").is_empty());
    }
}
