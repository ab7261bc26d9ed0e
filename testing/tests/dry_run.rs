//! Tier 2: what a real API server accepts. Objects that it would not store
//! must be refused here as well, or the tests that rely on it prove nothing.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use flex2csi_testing::Cluster;
    use flex2csi_testing::dry_run::{accepted, server_side_dry_run};
    use serde_json::{Value, json};

    fn csi_volume() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {
                "name": "data",
                // As a dump has them.
                "uid": "0d3c5e0a-4a8e-4a53-9c0b-4a2b6d8e7f10",
                "resourceVersion": "4711",
                "creationTimestamp": "2019-05-15T04:21:36Z",
            },
            "spec": {
                "capacity": { "storage": "10Gi" },
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "csi": { "driver": "ebs.csi.aws.com", "volumeHandle": "vol-0123456789abcdef0", "fsType": "ext4" },
                "claimRef": {
                    "namespace": "shop", "name": "data", "uid": "5b1d8f0e-2f5e-4d0b-9b1a-e865b0fa7aa9",
                },
            },
            "status": { "phase": "Bound" },
        })
    }

    fn storage_class() -> Value {
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": { "name": "fast" },
            "provisioner": "ebs.csi.aws.com",
            "parameters": { "type": "gp3" },
            "volumeBindingMode": "WaitForFirstConsumer",
        })
    }

    fn claim() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": { "namespace": "shop", "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "10Gi" } },
                "storageClassName": "fast",
                "volumeName": "data",
            },
        })
    }

    fn pod_spec() -> Value {
        json!({
            "containers": [{
                "name": "shop", "image": "shop:1",
                "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
            }],
            "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
        })
    }

    /// One object of each kind that makes pods.
    fn workloads() -> Vec<Value> {
        let template = |restart: &str| {
            let mut spec = pod_spec();
            spec["restartPolicy"] = json!(restart);
            json!({ "metadata": { "labels": { "app": "shop" } }, "spec": spec })
        };
        let selector = json!({ "matchLabels": { "app": "shop" } });
        let spec = json!({ "selector": selector, "template": template("Always") });
        let job = json!({ "template": template("Never") });
        let cron_job = json!({ "schedule": "@daily", "jobTemplate": { "spec": job } });
        [
            ("apps/v1", "Deployment", spec.clone()),
            ("apps/v1", "ReplicaSet", spec.clone()),
            ("apps/v1", "DaemonSet", spec.clone()),
            ("apps/v1", "StatefulSet", spec),
            ("batch/v1", "Job", job),
            ("batch/v1", "CronJob", cron_job),
        ]
        .map(|(api_version, kind, spec)| {
            json!({
                "apiVersion": api_version,
                "kind": kind,
                "metadata": { "namespace": "shop", "name": "shop" },
                "spec": spec,
            })
        })
        .into()
    }

    fn secret() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "namespace": "shop", "name": "shop" },
            "type": "ceph.com/rbd",
            "data": { "key": "QVFB" },
        })
    }

    fn pod() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "namespace": "elsewhere", "name": "shop" },
            "spec": pod_spec(),
        })
    }

    /// With an address that the cluster it was dumped from gave it.
    fn service() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "namespace": "shop", "name": "shop" },
            "spec": {
                "clusterIP": "10.96.12.34", "clusterIPs": ["10.96.12.34"],
                "ports": [{ "port": 80 }], "selector": { "app": "shop" },
            },
        })
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn valid_objects_are_accepted() {
        let cluster = Cluster::shared().await.unwrap();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": workloads() });
        let objects = [
            csi_volume(),
            storage_class(),
            claim(),
            pod(),
            service(),
            secret(),
            list,
        ];
        let result = accepted(&cluster, objects).await;
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_server_answers_with_what_it_would_store_and_stores_nothing() {
        let cluster = Cluster::shared().await.unwrap();
        for _ in 0..2 {
            let stored = server_side_dry_run(&cluster, csi_volume()).await.unwrap();
            assert_eq!(stored["spec"]["csi"], csi_volume()["spec"]["csi"]);
            // Its default, which the object leaves out.
            assert_eq!(stored["spec"]["volumeMode"], "Filesystem");
            // A new object each time: the first was not stored.
            assert_eq!(stored["metadata"].get("resourceVersion"), None);
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn invalid_objects_are_refused_each_by_name() {
        let cluster = Cluster::shared().await.unwrap();
        let mut two_sources = csi_volume();
        two_sources["metadata"]["name"] = json!("two-sources");
        two_sources["spec"]["awsElasticBlockStore"] =
            json!({ "volumeID": "vol-0123456789abcdef0" });
        let mut unknown_field = csi_volume();
        unknown_field["metadata"]["name"] = json!("unknown-field");
        unknown_field["spec"]["csi"]["volumeID"] = json!("vol-0123456789abcdef0");
        let mut unknown_kind = csi_volume();
        unknown_kind["kind"] = json!("PersistentVolumes");
        let objects = [
            two_sources,
            csi_volume(),
            unknown_field,
            storage_class(),
            unknown_kind,
        ];

        let refusals = accepted(&cluster, objects).await.unwrap_err().0;

        let expected = [
            (
                "PersistentVolume two-sources",
                "may not specify more than 1 volume type",
            ),
            (
                "PersistentVolume unknown-field",
                "field not declared in schema",
            ),
            (
                "PersistentVolumes data",
                "the server has no kind PersistentVolumes in v1",
            ),
        ];
        assert_eq!(refusals.len(), expected.len(), "{refusals:#?}");
        for (refusal, (object, message)) in refusals.iter().zip(expected) {
            assert_eq!(refusal.object, object);
            assert!(refusal.message.contains(message), "{refusal:#?}");
        }
    }
}
