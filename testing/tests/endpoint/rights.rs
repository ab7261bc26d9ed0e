//! The endpoint's part in a cluster, with the rights that docs/endpoint.md gives it.

mod tier_2 {
    use std::time::Duration;

    use flex2csi::endpoint::{LegacyVolumes, LookupError};
    use flex2csi::manifest::yaml;
    use flex2csi_testing::Cluster;
    use flex2csi_testing::account::client_of;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::dry_run::accepted;
    use serde_json::{Value, json};

    const DRIVER: &str = "csi.vsphere.vmware.com.flex2csi.io";
    const ACCOUNT: &str = "flex2csi";

    /// The objects that the page shows.
    fn documented() -> Vec<Value> {
        let page = include_str!("../../../docs/endpoint.md");
        let blocks = page.split("```yaml\n").skip(1);
        blocks
            .map(|block| {
                let (text, _) = block.split_once("```").unwrap();
                serde_json::from_str(&yaml::to_json(text, 1).unwrap()).unwrap()
            })
            .collect()
    }

    fn volume(name: &str, handle: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": { "name": name },
            "spec": {
                "capacity": { "storage": "1Gi" },
                "accessModes": ["ReadWriteOnce"],
                "csi": {
                    "driver": DRIVER,
                    "volumeHandle": handle,
                    "volumeAttributes": { "flex2csi.io/version": "1" },
                },
            },
        })
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_server_accepts_what_the_page_shows() {
        let objects = documented();
        assert!(objects.len() >= 3, "{objects:?}");
        let cluster = Cluster::shared().await.unwrap();
        assert_eq!(accepted(&cluster, objects).await, Ok(()));
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_handle_is_found_among_many_with_the_right_that_the_page_gives() {
        // What lists all volumes is not to meet those of another test.
        let cluster = Cluster::start().await.unwrap();
        let account = client_of(&cluster, "default", ACCOUNT).unwrap();
        let volumes = LegacyVolumes::Cluster(Box::new(account));

        let error = volumes.attributes(DRIVER, "flex2csi-1").await.unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("forbidden") && said.contains(ACCOUNT),
            "{said}"
        );

        let mut objects = documented().into_iter();
        let role = objects
            .find(|object| object["kind"] == "ClusterRole")
            .unwrap();
        let name = role["metadata"]["name"].clone();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": ACCOUNT }],
        });
        // More than a page, and the one that is asked for on the last.
        let many = (0..510).map(|number| {
            let name = format!("pv-{number:03}");
            volume(&name, &name)
        });
        let last = volume("pv-last", "flex2csi-1");
        let objects = [role, binding].into_iter().chain(many).chain([last]);
        applied(&cluster, objects).await.unwrap();

        let found = granted(&volumes, "flex2csi-1").await.unwrap();
        let version = ("flex2csi.io/version".to_owned(), "1".to_owned());
        assert_eq!(found, [version]);
        assert_eq!(granted(&volumes, "flex2csi-2").await, None);
    }

    /// Asks again while the server has not heard of the grant itself.
    async fn granted(volumes: &LegacyVolumes, handle: &str) -> Option<Vec<(String, String)>> {
        let asked = async {
            loop {
                match volumes.attributes(DRIVER, handle).await {
                    Err(LookupError::Cluster(error)) if error.to_string().contains("forbidden") => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    found => return found.unwrap(),
                }
            }
        };
        let granted = tokio::time::timeout(Duration::from_secs(60), asked).await;
        granted.expect("the grant counts")
    }
}
