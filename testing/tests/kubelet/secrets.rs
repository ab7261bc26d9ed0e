//! Volumes whose CSI driver logs in.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::lab::backend::{BACKEND_NAMESPACE, NAMESPACE};
    use flex2csi_testing::lab::{NODES, Story};
    use serde_json::{Value, json};

    use crate::operator::object;
    use crate::posing::{backend, workload};
    use crate::writer::{writer, writes_on};

    const FLEX_DRIVER: &str = "example.com/vault";
    const CSI_DRIVER: &str = "vault.csi.example.com";
    const VOLUMES: [&str; 2] = ["vault-own", "vault-site"];
    const PASSWORDS: [&str; 2] = ["of-the-volume-hidden", "of-the-site-hidden"];

    /// The volume's own Secret comes with kubelet's call; for any other the daemon needs
    /// a right, and says so.
    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_driver_gets_the_secrets_that_the_volume_names() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        install_driver(&lab).await;
        serve(&lab).await;
        let story = Story::begin(lab.clone(), "secrets").await;

        // Its own, which is not whole at first.
        let options = json!({ "id": VOLUMES[0] });
        volume(&story, "own", options, Some("own")).await;
        let secret = |data: Value| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": FLEX_DRIVER,
                "metadata": { "name": "own", "namespace": "" },
                "stringData": data,
            })
        };
        story.apply([secret(json!({ "user": "somebody" }))]).await;
        let own = story.start(&writer("own", "own").on(NODES[0])).await;
        let said = own.event("is missing from the secrets").await;
        assert!(said.contains("password"), "{said}");
        story
            .apply([secret(json!({ "password": PASSWORDS[0] }))])
            .await;
        own.running().await;
        writes_on(&own).await;

        // The site's, which the daemon has to read.
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "vault" },
        });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "node", "namespace": "vault" },
            "stringData": { "password": PASSWORDS[1] },
        });
        applied(&lab.cluster, [namespace, secret]).await.unwrap();
        let options = json!({ "id": VOLUMES[1], "site": "node" });
        volume(&story, "site", options, None).await;
        let site = story.start(&writer("site", "site").on(NODES[1])).await;
        let said = site.event("may not read Secret vault/node").await;
        assert!(
            said.contains("give its service account that right"),
            "{said}"
        );
        assert_eq!(site.phase().await, "Pending");
        applied(&lab.cluster, right_to_read("vault", "node"))
            .await
            .unwrap();
        site.running().await;
        writes_on(&site).await;

        // Unmounting needs neither.
        let delete = ["delete", "secret", "-n", "secrets", "own"];
        lab.kubectl(delete).await.unwrap();
        lab.kubectl(["delete", "namespace", "vault"]).await.unwrap();
        for (pod, handle) in [(&own, VOLUMES[0]), (&site, VOLUMES[1])] {
            pod.delete().await;
            story.nothing_left_of(handle).await;
        }
        let label = "app.kubernetes.io/name=flex2csi";
        let logs = ["logs", "-n", NAMESPACE, "-l", label, "--tail=-1"];
        let told = lab.kubectl(logs).await.unwrap();
        assert!(told.contains(VOLUMES[0]) && told.contains(VOLUMES[1]));
        assert!(!PASSWORDS.iter().any(|password| told.contains(password)));
    }

    async fn volume(story: &Story, claim: &str, options: Value, secret: Option<&str>) {
        let mut source = json!({ "driver": FLEX_DRIVER, "options": options });
        if let Some(secret) = secret {
            source["secretRef"] = json!({ "name": secret, "namespace": story.namespace() });
        }
        let source = json!({ "flexVolume": source });
        story.volume(claim, "ReadWriteMany", source).await;
    }

    /// As `deploy/rbac/examples/secret.yaml` has it.
    fn right_to_read(namespace: &str, secret: &str) -> Vec<Value> {
        let mut objects = deployed("rbac/examples/secret.yaml");
        for object in &mut objects {
            object["metadata"]["namespace"] = json!(namespace);
            if object["kind"] == "Role" {
                object["rules"][0]["resourceNames"] = json!([secret]);
            }
        }
        objects
    }

    async fn install_driver(lab: &Lab) {
        let mut arguments = vec![
            format!("--driver-name={CSI_DRIVER}"),
            format!("--endpoint=/var/lib/kubelet/plugins/{CSI_DRIVER}/csi.sock"),
            "--state-dir=/var/lib/hostpath.flex2csi.io/vault".to_owned(),
            "--kubelet-registry=/var/lib/kubelet/plugins_registry".to_owned(),
            "--node-id=$(NODE_NAME)".to_owned(),
            "--need-secret=password".to_owned(),
        ];
        arguments.extend(VOLUMES.map(|volume| format!("--volume={volume}=directory:1Gi")));
        let containers = json!([backend("vault", &arguments)]);
        let node = workload("DaemonSet", "vault", "hostpath", containers);
        let driver = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": { "name": CSI_DRIVER },
            "spec": { "attachRequired": false, "fsGroupPolicy": "None" },
        });
        applied(&lab.cluster, [driver, node]).await.unwrap();
        lab.rolled_out(BACKEND_NAMESPACE, "daemonset/vault")
            .await
            .unwrap();
    }

    /// Has the daemons serve the FlexVolume driver, with a mapping of the site's own.
    async fn serve(lab: &Lab) {
        let found = object(lab, &["configmap", "-n", NAMESPACE, "flex2csi"]).await;
        let config = found["data"]["config.yaml"].as_str().unwrap();
        let drivers = "  drivers:\n";
        assert!(config.contains(drivers), "{config}");
        let more = format!("{drivers}    - driver: {FLEX_DRIVER}\n");
        let config = config.replace(drivers, &more) + "mappings: [/etc/flex2csi/vault.yaml]\n";
        let patch = json!({ "data": {
            "config.yaml": config,
            "vault.yaml": include_str!("vault.yaml"),
        }});
        let patch = patch.to_string();
        let arguments = [
            "patch",
            "configmap",
            "-n",
            NAMESPACE,
            "flex2csi",
            "-p",
            &patch,
        ];
        lab.kubectl(arguments).await.unwrap();
        let daemons = "daemonset/flex2csi-node";
        lab.kubectl(["rollout", "restart", "-n", NAMESPACE, daemons])
            .await
            .unwrap();
        lab.rolled_out(NAMESPACE, daemons).await.unwrap();
        for node in lab.nodes() {
            let driver =
                "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/example.com~vault/vault";
            assert!(node.path(driver).exists());
        }
    }
}
