//! The life of an installation on real nodes, from the files as they are: installed,
//! used, updated under a running pod, and taken away to the last file.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::lab::{Lab, NODES, Pod, Story};
    use flex2csi_testing::overlaid::overlaid;
    use serde_json::{Value, json};

    const OVERLAY: &str = "deploy/overlays/test-hostpath";
    const DAEMON: (&str, &str) = ("flex2csi-system", "daemonset/flex2csi-node");
    const PLUGINS: &str = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";

    async fn install() -> Arc<Lab> {
        let lab = Lab::start().await.unwrap();
        lab.apply("deploy/crds").await.unwrap();
        lab.apply(OVERLAY).await.unwrap();
        lab.rolled_out("flex2csi-hostpath", "daemonset/hostpath")
            .await
            .unwrap();
        let (namespace, daemon) = DAEMON;
        lab.rolled_out(namespace, daemon).await.unwrap();
        lab.rolled_out(namespace, "deployment/flex2csi-controller")
            .await
            .unwrap();
        Arc::new(lab)
    }

    /// A volume that was there before the cluster: the overlay's backend has it.
    fn legacy() -> Value {
        json!({ "flexVolume": { "driver": "huawei.com/fuxinfs", "fsType": "nfs", "options": {
            "volumeID": "vol-1", "fsType": "nfs", "deviceMountPath": "share.example:/vol-1",
        }}})
    }

    /// Names in a directory of a node; none where it is not there.
    fn names(lab: &Lab, node: &str, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(lab.node(node).path(directory));
        let names = entries.into_iter().flatten().map(|entry| {
            let name = entry.unwrap().file_name();
            name.into_string().unwrap()
        });
        names.collect()
    }

    async fn daemons(lab: &Lab) -> Vec<String> {
        let arguments = [
            "get",
            "pods",
            "-n",
            DAEMON.0,
            "-l",
            "app.kubernetes.io/component=node",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
        ];
        let uids = lab.kubectl(arguments).await.unwrap();
        uids.split_whitespace().map(str::to_owned).collect()
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn it_is_installed_updated_under_a_running_pod_and_leaves_nothing() {
        let lab = install().await;
        let (namespace, daemon) = DAEMON;
        let story = Story::begin(lab.clone(), "lived").await;
        story.volume("data", "ReadWriteMany", legacy()).await;
        let script = "while true; do date +%s >>/data/log; sleep 1; done";
        let pod = Pod::new("writer")
            .on(NODES[0])
            .claim("data", "/data")
            .runs(script);
        let pod = story.run(&pod).await;
        let lines =
            async || -> usize { pod.exec("wc -l </data/log").await.trim().parse().unwrap() };

        // Updated: every daemon is another one, and the pod has noticed nothing.
        let before = daemons(&lab).await;
        lab.kubectl(["rollout", "restart", "-n", namespace, daemon])
            .await
            .unwrap();
        lab.rolled_out(namespace, daemon).await.unwrap();
        let after = daemons(&lab).await;
        assert_eq!(after.len(), NODES.len());
        assert!(after.iter().all(|uid| !before.contains(uid)), "{after:?}");
        let written = lines().await;
        story
            .until("the pod writes on", async || lines().await > written)
            .await;

        // It is not taken away from a node that needs it, and comes back.
        let leaving = overlaid("test-hostpath", &["uninstall"]).unwrap();
        let leave = [
            "apply",
            "--server-side",
            "-k",
            leaving.path().to_str().unwrap(),
        ];
        lab.kubectl(leave).await.unwrap();
        story
            .until("the node refuses", async || {
                let logs = [
                    "logs",
                    "-n",
                    namespace,
                    "-l",
                    "app.kubernetes.io/component=node",
                    "--tail=-1",
                ];
                let logs = lab.kubectl(logs).await.unwrap_or_default();
                logs.contains("is still needed on this node")
            })
            .await;
        assert!(names(&lab, NODES[0], PLUGINS).contains(&"huawei.com~fuxinfs".to_owned()));
        lab.apply(OVERLAY).await.unwrap();
        lab.rolled_out(namespace, daemon).await.unwrap();
        let written = lines().await;
        pod.delete().await;
        assert!(written > 0);

        // Nothing needs it any more.
        lab.kubectl(leave).await.unwrap();
        lab.rolled_out(namespace, daemon).await.unwrap();
        lab.kubectl(["delete", "-k", leaving.path().to_str().unwrap()])
            .await
            .unwrap();
        lab.kubectl([
            "delete",
            "-k",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crds"),
        ])
        .await
        .unwrap();
        for node in NODES {
            assert_eq!(names(&lab, node, PLUGINS), [""; 0]);
            assert_eq!(names(&lab, node, "/var/lib/flex2csi"), [""; 0]);
            let plugins = names(&lab, node, "/var/lib/kubelet/plugins_registry");
            assert!(
                !plugins.iter().any(|name| name.contains("flex2csi")),
                "{plugins:?}"
            );
            let mounts = lab.node(node).mounts();
            assert!(!mounts.contains("fuxi"), "{mounts}");
        }
        let kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,\
                     validatingadmissionpolicies,validatingadmissionpolicybindings,volumeattachments,leases";
        let left = lab
            .kubectl(["get", kinds, "-A", "-o", "name"])
            .await
            .unwrap();
        let ours = left.lines().filter(|line| line.contains("flex2csi"));
        assert_eq!(ours.collect::<Vec<_>>(), [""; 0]);
    }
}
