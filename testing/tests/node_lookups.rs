//! What the node daemon asks a real API server, with the rights of `deploy/rbac`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use flex2csi::cluster::{
        Api, CalledVolume, Cluster as _, ClusterError, CsiDriver, FoundVolume, FsGroupPolicy,
        PodName, SecretName, VolumeId, VolumeSource,
    };
    use flex2csi_testing::account::client_of;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::{Cluster, dry_run};
    use http::Request;
    use serde_json::{Value, json};

    const NODE: &str = "n-1";

    /// A cluster with a pod that has a FlexVolume of each sort.
    struct Site {
        cluster: Cluster,
        api: Api,
        pod: PodName,
    }

    impl Site {
        async fn new() -> Self {
            let cluster = Cluster::start().await.unwrap();
            let client = client_of(&cluster, "flex2csi-system", "flex2csi-node").unwrap();
            let api = Api::new(client, NODE);
            let claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": "shop", "name": "data"},
                "spec": {
                    "storageClassName": "fast", "volumeName": "pv-1",
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            });
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"namespace": "shop", "name": "web"},
                "spec": {
                    "nodeName": NODE,
                    "serviceAccountName": "web",
                    "containers": [{"name": "c", "image": "i"}],
                    "volumes": [
                        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                        {"name": "scratch", "flexVolume": flex("b")},
                    ],
                },
            });
            let stored = site_objects(&cluster, [claim, pod]).await;
            let uid = |object: &Value| object["metadata"]["uid"].as_str().unwrap().to_owned();
            let (claim, pod) = (uid(&stored[0]), uid(&stored[1]));
            let bound = json!({
                "claimRef": {"namespace": "shop", "name": "data", "uid": claim},
                "storageClassName": "fast",
                "flexVolume": flex("a"),
            });
            let class = json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                "metadata": {"name": "fast"}, "provisioner": "example.com/d",
            });
            site_objects(&cluster, [volume("pv-1", bound), class]).await;
            Self {
                cluster,
                api,
                pod: PodName {
                    namespace: "shop".into(),
                    name: "web".into(),
                    uid: pod,
                },
            }
        }

        /// Gives the daemon its rights, and waits until they count.
        async fn grant(&self) {
            site_objects(&self.cluster, deployed("rbac/node-account.yaml")).await;
            site_objects(&self.cluster, deployed("rbac/node-reads.yaml")).await;
            let all = async || {
                self.volume("pv-1", "a").await?;
                self.api.csi_driver("d").await?;
                let id = VolumeId {
                    driver: "d".into(),
                    handle: "h".into(),
                };
                self.api.csi_volume_with(&id).await
            };
            granted(all).await.unwrap();
        }

        async fn volume(&self, volume: &str, pool: &str) -> Result<FoundVolume, ClusterError> {
            let called = CalledVolume {
                pod: self.pod.clone(),
                volume: volume.into(),
                driver: "example.com/d".into(),
                options: BTreeMap::from([("pool".into(), pool.into())]),
            };
            self.api.volume(&called).await
        }
    }

    async fn site_objects(
        cluster: &Cluster,
        objects: impl IntoIterator<Item = Value>,
    ) -> Vec<Value> {
        applied(cluster, objects).await.unwrap()
    }

    fn flex(pool: &str) -> Value {
        json!({"driver": "example.com/d", "options": {"pool": pool}})
    }

    /// A PersistentVolume with these members of `spec`, and those that it must have.
    fn volume(name: &str, mut spec: Value) -> Value {
        spec["capacity"] = json!({"storage": "1Gi"});
        spec["accessModes"] = json!(["ReadWriteOnce"]);
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": name}, "spec": spec,
        })
    }

    fn csi(handle: &str) -> Value {
        json!({"csi": {"driver": "csi.example.com", "volumeHandle": handle}})
    }

    /// Asks again while the server has not heard of a grant itself.
    async fn granted<T>(
        mut ask: impl AsyncFnMut() -> Result<T, ClusterError>,
    ) -> Result<T, ClusterError> {
        let asked = async {
            loop {
                match ask().await {
                    Err(ClusterError::Forbidden { .. }) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    answer => return answer,
                }
            }
        };
        let answer = tokio::time::timeout(Duration::from_secs(60), asked).await;
        answer.expect("the grant counts")
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_server_accepts_the_files() {
        let cluster = Cluster::shared().await.unwrap();
        let files = [
            "rbac/node-account.yaml",
            "rbac/node-reads.yaml",
            "rbac/examples/secret.yaml",
        ];
        let objects = files.into_iter().flat_map(deployed);
        assert_eq!(dry_run::accepted(&cluster, objects).await, Ok(()));
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_call_leads_to_the_volume_with_these_rights_and_not_without() {
        let site = Site::new().await;
        let refused = site.volume("pv-1", "a").await.unwrap_err().to_string();
        assert!(
            refused.starts_with("flex2csi may not read Pod shop/web: ")
                && refused.contains("flex2csi-node"),
            "{refused}"
        );

        site.grant().await;
        let found = site.volume("pv-1", "a").await.unwrap();
        assert_eq!(found.service_account, "web");
        let VolumeSource::PersistentVolume {
            json,
            storage_class,
        } = found.source
        else {
            panic!("it is in a PersistentVolume");
        };
        let pv: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(pv["kind"], "PersistentVolume");
        assert_eq!(pv["spec"]["flexVolume"]["options"]["pool"], "a");
        let class: Value = serde_json::from_str(&storage_class.unwrap()).unwrap();
        assert_eq!(class["provisioner"], "example.com/d");

        let found = site.volume("scratch", "b").await.unwrap();
        assert!(matches!(found.source, VolumeSource::Inline { .. }));
        for (volume, pool) in [("pv-1", "b"), ("scratch", "a")] {
            let error = site.volume(volume, pool).await.unwrap_err();
            assert!(matches!(error, ClusterError::Differs { .. }), "{error}");
        }
        let error = site.volume("pv-2", "a").await.unwrap_err();
        assert!(matches!(error, ClusterError::NotFound { .. }), "{error}");
        let others = PodName {
            uid: "u".into(),
            ..site.pod.clone()
        };
        let site = Site {
            pod: others,
            ..site
        };
        let error = site.volume("pv-1", "a").await.unwrap_err();
        assert!(matches!(error, ClusterError::Differs { .. }), "{error}");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_secret_takes_a_role_that_names_it() {
        let site = Site::new().await;
        site.grant().await;
        let secret = |name: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "example.com/d",
                "metadata": {"namespace": "ceph", "name": name}, "data": {"key": "dg=="},
            })
        };
        let names = ["csi-rbd-node", "other"];
        site_objects(&site.cluster, names.map(secret)).await;
        let [named, other] = names.map(|name| SecretName {
            namespace: "ceph".into(),
            name: name.into(),
        });
        let refused = site.api.secret(&named).await.unwrap_err();
        assert!(
            matches!(refused, ClusterError::Forbidden { .. }),
            "{refused}"
        );
        site_objects(&site.cluster, deployed("rbac/examples/secret.yaml")).await;
        let values = granted(async || site.api.secret(&named).await)
            .await
            .unwrap();
        assert_eq!(values.0, BTreeMap::from([("key".into(), b"v".to_vec())]));
        let refused = site.api.secret(&other).await.unwrap_err();
        assert!(
            matches!(refused, ClusterError::Forbidden { .. }),
            "{refused}"
        );
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_volume_is_held_while_the_node_or_a_pod_says_so() {
        let site = Site::new().await;
        site.grant().await;
        let id = VolumeId {
            driver: "csi.example.com".into(),
            handle: "h".into(),
        };
        let held = async |pods: &[PodName]| site.api.holds(&id, pods).await.unwrap();
        assert!(held(&[]).await, "nobody knows the node");
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}});
        site_objects(&site.cluster, [node]).await;
        assert!(!held(&[]).await);
        assert!(held(std::slice::from_ref(&site.pod)).await);
        let other = PodName {
            uid: "u".into(),
            ..site.pod.clone()
        };
        assert!(!held(&[other]).await);

        let in_use = json!({"status": {"volumesInUse": ["kubernetes.io/csi/csi.example.com^h"]}});
        let path = format!("/api/v1/nodes/{NODE}/status");
        let request = Request::patch(path)
            .header("content-type", "application/merge-patch+json")
            .body(in_use.to_string().into_bytes());
        let admin = site.cluster.client().unwrap();
        admin.request_text(request.unwrap()).await.unwrap();
        assert!(held(&[]).await);
        assert!(site.api.node(NODE).await.unwrap().uses(&id.unique_name()));
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_handle_is_found_among_many() {
        let site = Site::new().await;
        // More than a page, and the one that is asked for on the last.
        let many =
            (0..510).map(|number| volume(&format!("a-{number:03}"), csi(&number.to_string())));
        site_objects(&site.cluster, many.chain([volume("z", csi("h"))])).await;
        site.grant().await;
        // What was listed while it was waited for counts for half a minute.
        let client = client_of(&site.cluster, "flex2csi-system", "flex2csi-node").unwrap();
        let api = Api::new(client, NODE);
        let with = async |driver: &str, handle: &str| {
            let id = VolumeId {
                driver: driver.into(),
                handle: handle.into(),
            };
            api.csi_volume_with(&id).await.unwrap()
        };
        assert_eq!(with("csi.example.com", "h").await.as_deref(), Some("z"));
        assert_eq!(with("csi.example.com", "7").await.as_deref(), Some("a-007"));
        assert_eq!(with("csi.example.com", "i").await, None);
        assert_eq!(with("other.example.com", "h").await, None);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_csi_driver_is_as_the_server_completes_it_or_as_kubernetes_defaults() {
        let site = Site::new().await;
        site.grant().await;
        let driver = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": "csi.example.com"}, "spec": {"fsGroupPolicy": "File"},
        });
        let empty = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": "empty.example.com"}, "spec": {},
        });
        site_objects(&site.cluster, [driver, empty]).await;
        let found = site.api.csi_driver("csi.example.com").await.unwrap();
        let expected = CsiDriver {
            fs_group_policy: FsGroupPolicy::File,
            ..CsiDriver::default()
        };
        assert_eq!(found, expected);
        for driver in ["empty.example.com", "missing.example.com"] {
            let found = site.api.csi_driver(driver).await.unwrap();
            assert_eq!(found, CsiDriver::default(), "{driver}");
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn pods_of_a_node_are_shown_to_who_may_list_them() {
        let site = Site::new().await;
        let refused = site.api.pods_of_node(NODE, |_| {}).await.unwrap_err();
        assert!(
            matches!(refused, ClusterError::Forbidden { .. }),
            "{refused}"
        );
        site.grant().await;
        let mut uids = Vec::new();
        let shown = site.api.pods_of_node(NODE, |pod| {
            let pod: Value = serde_json::from_str(pod).unwrap();
            uids.push(pod["metadata"]["uid"].as_str().unwrap().to_owned());
        });
        shown.await.unwrap();
        assert_eq!(uids, [site.pod.uid.as_str()]);
        let mut others = 0;
        let shown = site.api.pods_of_node("n-2", |_| others += 1);
        shown.await.unwrap();
        assert_eq!(others, 0);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_server_that_is_gone_is_unavailable_and_holds_everything() {
        let site = Site::new().await;
        site.grant().await;
        let Site { cluster, api, pod } = site;
        drop(cluster);
        let name = SecretName {
            namespace: "ceph".into(),
            name: "s".into(),
        };
        let error = api.secret(&name).await.unwrap_err();
        assert!(matches!(error, ClusterError::Unavailable { .. }), "{error}");
        let id = VolumeId {
            driver: "d".into(),
            handle: "h".into(),
        };
        assert!(api.holds(&id, &[pod]).await.unwrap());
    }
}
