//! A provisioner that is late lets go of volumes, and deletes those that it is left.

mod tier_2 {
    use std::time::Duration;

    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Size};
    use flex2csi_testing::provisioner::{FINALIZER, Provisioner};
    use flex2csi_testing::tool::Tool;
    use flex2csi_testing::{Cluster, Setup, api, order, programs};
    use kube::api::{DeleteParams, ListParams};

    const BEHIND: Duration = Duration::from_millis(300);

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn of_volumes_once_they_are_csi() {
        let setup = Setup::binding(ApiRate::FAST);
        let cluster = Cluster::start_with(&setup).await.unwrap();
        let fleet = Fleet::make(&cluster, &Size::pairs(80)).await.unwrap();
        let client = cluster.client().unwrap();
        let provisioner = Provisioner::start(&client, BEHIND);
        let orders = order::write(&fleet, cluster.directory()).unwrap();
        let tool = Tool::new(programs::beside("bare-swap").unwrap())
            .kubeconfig(&cluster.kubeconfig())
            .arguments(["--orders".as_ref(), orders.as_os_str()])
            .arguments(["--outstanding", "16", "--wait"]);
        let ended = tool.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        fleet.check(&cluster, Expect::Translated).await.unwrap();
        assert!(provisioner.deleted().is_empty());

        // It takes on those that it would have to delete, and no others.
        let volumes = api::volumes(&client);
        let is_held = async |name: &str| {
            let volume = volumes.get(name).await.unwrap();
            let mut finalizers = volume.metadata.finalizers.iter().flatten();
            finalizers.any(|name| name == FINALIZER)
        };
        let dynamic = fleet.part(|member| member.dynamic);
        for member in dynamic.members.values() {
            if member.policy() == "Delete" {
                while !is_held(&member.name).await {
                    tokio::time::sleep(BEHIND / 10).await;
                }
            } else {
                assert!(!is_held(&member.name).await, "{}", member.name);
            }
        }

        // A claim that goes takes the data with it.
        let mut members = dynamic.members.values();
        let member = members.find(|member| member.policy() == "Delete").unwrap();
        let claims = api::claims_in(&client, member.namespace());
        let parameters = DeleteParams::default();
        claims
            .delete(member.claim_name(), &parameters)
            .await
            .unwrap();
        while provisioner.deleted().is_empty() {
            tokio::time::sleep(BEHIND / 10).await;
            volumes.list(&ListParams::default().limit(1)).await.unwrap();
        }
        assert_eq!(provisioner.deleted()[0], member.name);
    }
}
