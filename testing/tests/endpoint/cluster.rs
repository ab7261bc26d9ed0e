//! A handle that says nothing by itself is looked up in a real cluster.

mod tier_2 {
    use flex2csi::csi::v1::CreateSnapshotRequest;
    use flex2csi::csi::v1::controller_client::ControllerClient;
    use flex2csi_testing::Cluster;
    use flex2csi_translators::digest::sha256_hex;
    use k8s_openapi::api::core::v1::PersistentVolume;
    use kube::Api;
    use kube::api::PostParams;
    use serde_json::{Value, json};
    use tonic::Code;

    use crate::rig::{Rig, channel, text};

    const DRIVER: &str = "csi.vsphere.vmware.com";
    const SOURCE: &str = r#"{"vsphereVolume":{"volumePath":"[ds] kubevols/a.vmdk"}}"#;
    const VALUES: &str = r#"{"vsphereVolume": {"volumes": {"[ds] kubevols/a.vmdk": "6000-c29"}}}"#;

    fn volume(name: &str, csi: Value) -> PersistentVolume {
        let volume = json!({
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "csi": csi,
            },
        });
        serde_json::from_value(volume).unwrap()
    }

    fn undecided() -> (String, PersistentVolume) {
        let handle = format!("flex2csi-{}", sha256_hex(SOURCE));
        let csi = json!({
            "driver": format!("{DRIVER}.flex2csi.io"),
            "volumeHandle": handle,
            "volumeAttributes": {
                "flex2csi.io/version": "1",
                "flex2csi.io/source": SOURCE,
                "flex2csi.io/context": r#"{"name":"legacy"}"#,
            },
        });
        (handle, volume("legacy", csi))
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn as_soon_as_its_volume_is_there() {
        let cluster = Cluster::start().await.unwrap();
        let volumes: Api<PersistentVolume> = Api::all(cluster.client().unwrap());
        let directory = tempfile::tempdir().unwrap();
        let values = directory.path().join("values.yaml");
        std::fs::write(&values, VALUES).unwrap();
        let backend = [
            "--node-id",
            "n",
            "--driver-name",
            DRIVER,
            "--volume",
            "6000-c29=directory:1Gi",
        ];
        let (values, kubeconfig) = (text(&values), text(&cluster.kubeconfig()));
        let endpoint = ["--values", &values, "--kubeconfig", &kubeconfig];
        let rig = Rig::start(&backend, &endpoint).await;
        let mut controller = ControllerClient::new(channel(&rig.through()).await);

        let (handle, pv) = undecided();
        let request = CreateSnapshotRequest {
            source_volume_id: handle.clone(),
            name: "s".into(),
            ..Default::default()
        };
        let unknown = controller
            .create_snapshot(request.clone())
            .await
            .unwrap_err();
        assert_eq!(unknown.code(), Code::FailedPrecondition, "{unknown}");

        volumes.create(&PostParams::default(), &pv).await.unwrap();
        let snapshot = controller
            .create_snapshot(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(snapshot.snapshot.unwrap().source_volume_id, handle);
        rig.end();
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_cluster_that_does_not_answer_is_unavailable() {
        let cluster = Cluster::start().await.unwrap();
        let kubeconfig = cluster.directory().join("copy");
        std::fs::copy(cluster.kubeconfig(), &kubeconfig).unwrap();
        let backend = ["--node-id", "n", "--driver-name", DRIVER];
        let kubeconfig = text(&kubeconfig);
        let rig = Rig::start(&backend, &["--kubeconfig", &kubeconfig]).await;
        drop(cluster);
        let mut controller = ControllerClient::new(channel(&rig.through()).await);
        let request = CreateSnapshotRequest {
            source_volume_id: undecided().0,
            name: "s".into(),
            ..Default::default()
        };
        let error = controller.create_snapshot(request).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        rig.end();
    }
}
