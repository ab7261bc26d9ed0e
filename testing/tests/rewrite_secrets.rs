//! `flex2csi rewrite --create-secrets` on a real API server, with the rights of `deploy/`
//! and no others.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::path::Path;

    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::tool::Tool;
    use flex2csi_testing::{Cluster, Setup, rewrite_account, rights};
    use serde_json::{Value, json};

    const NAMESPACE: &str = "shop";
    const DRIVER: &str = "ossplugin.csi.alibabacloud.com";

    async fn put(cluster: &Cluster, objects: impl IntoIterator<Item = Value>) {
        applied(cluster, objects).await.unwrap();
    }

    /// A volume whose keys stand in its options, with its claim, and a node where the CSI
    /// driver is.
    fn objects() -> Vec<Value> {
        let attaches = "volumes.kubernetes.io/controller-managed-attach-detach";
        vec![
            json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "o"},
                "spec": {
                    "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"namespace": NAMESPACE, "name": "o"},
                    "flexVolume": {"driver": "alicloud/oss", "options": {
                        "bucket": "b", "url": "oss.example", "akId": "the-id", "akSecret": "the-key",
                    }},
                },
            }),
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": NAMESPACE, "name": "o"},
                "spec": {
                    "accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeName": "o",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }),
            json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": "n", "annotations": {attaches: "true"}},
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "n"},
                "spec": {"drivers": [{"name": DRIVER, "nodeID": "n", "topologyKeys": []}]},
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER},
                "spec": {"attachRequired": false},
            }),
        ]
    }

    /// As the file says: by a RoleBinding in the namespace of the Secrets.
    fn bound(role: &str) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"namespace": NAMESPACE, "name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{
                "kind": "ServiceAccount", "namespace": "flex2csi-rewrite", "name": "flex2csi-rewrite",
            }],
        })
    }

    async fn rewritten(kubeconfig: &Path) -> (Option<i32>, String) {
        let arguments = [
            "rewrite",
            "--all",
            "--create-secrets",
            "--without-node-evidence",
            "--yes",
        ];
        let tool = Tool::flex2csi().unwrap().arguments(arguments);
        let ended = tool.kubeconfig(kubeconfig).run().await.unwrap();
        (ended.code, ended.stdout + &ended.stderr)
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn a_secret_is_made_with_the_rights_of_its_file() {
        let user = rewrite_account::user();
        let setup = Setup::binding(ApiRate::FAST).user(user.clone());
        let cluster = Cluster::start_with(&setup).await.unwrap();
        cluster.install_definitions().await.unwrap();
        rewrite_account::install(&cluster, &[]).await.unwrap();
        put(&cluster, deployed("rbac/rewrite-secrets.yaml")).await;
        put(&cluster, objects()).await;
        let is_bound = [
            "wait",
            "-n",
            NAMESPACE,
            "pvc/o",
            "--for=jsonpath={.status.phase}=Bound",
            "--timeout=120s",
        ];
        cluster.kubectl(is_bound).await.unwrap();

        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let ready = ready.to_string();
        let is_ready = [
            "patch",
            "node",
            "n",
            "--subresource=status",
            "--type=merge",
            "-p",
            ready.as_str(),
        ];
        cluster.kubectl(is_ready).await.unwrap();

        let kubeconfig = cluster.kubeconfig_of(&user);
        let (code, said) = rewritten(&kubeconfig).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("nothing was done: you may not get secrets "),
            "{said}"
        );
        let create = format!("create secrets in namespace {NAMESPACE}");
        assert!(said.contains(&create), "{said}");
        assert!(said.contains("deploy/rbac/rewrite-secrets.yaml"), "{said}");

        put(&cluster, [bound("flex2csi-rewrite-secrets")]).await;
        let (code, said) = rewritten(&kubeconfig).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("1 done"), "{said}");
        assert!(!said.contains("the-key"), "{said}");
        let volume = cluster.kubectl(["get", "pv", "o", "-o", "json"]).await;
        let volume: Value = serde_json::from_str(&volume.unwrap()).unwrap();
        let reference = &volume["spec"]["csi"]["nodePublishSecretRef"];
        let name = reference["name"]
            .as_str()
            .unwrap_or_else(|| panic!("{volume}\n{said}"));
        let secret = ["get", "secret", "-n", NAMESPACE, name, "-o", "json"];
        let secret = cluster.kubectl(secret).await.unwrap();
        // As base64.
        assert!(secret.contains("dGhlLWtleQ=="), "{name}");
        rights::prove(&cluster, "rewrite_secrets", &[]).await;
    }
}
