//! Daemons and kubelets that end under running pods.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::backend::{BACKEND_NAMESPACE, NAMESPACE};
    use flex2csi_testing::lab::story::Started;
    use flex2csi_testing::lab::{Backend, NODES, Pod, Story};
    use serde_json::{Value, json};

    use crate::killing::Container;
    use crate::writer::{writer, writes_on};

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn running_pods_write_on_whatever_ends_beside_them() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        let story = Story::begin(lab.clone(), "disturbed").await;
        let disk = story.flex_volume(Backend::Disks, "disk").await;
        let files = story.flex_volume(Backend::Files, "files").await;
        let pods = [
            story.run(&writer("disk", "disk").on(NODES[0])).await,
            story.run(&writer("files", "files").on(NODES[0])).await,
        ];

        // Updated, as by an operator who rolls a new version out.
        let daemon = "daemonset/flex2csi-node";
        lab.kubectl(["rollout", "restart", "-n", NAMESPACE, daemon])
            .await
            .unwrap();
        lab.rolled_out(NAMESPACE, daemon).await.unwrap();
        all_write_on(&pods).await;

        for (namespace, app, container) in [
            (NAMESPACE, "app.kubernetes.io/component=node", "flex2csi"),
            (BACKEND_NAMESPACE, "app=hostpath", "disk"),
            (BACKEND_NAMESPACE, "app=hostpath", "nas"),
        ] {
            kill(&lab, namespace, app, container).await;
            all_write_on(&pods).await;
        }

        lab.restart_kubelet(NODES[0]).await.unwrap();
        all_write_on(&pods).await;

        // And everything of it can be taken down as ever.
        for pod in &pods {
            pod.delete().await;
        }
        story.nothing_left_of(&disk).await;
        story.nothing_left_of(&files).await;
        a_pod_waits_for_the_daemon(&lab, &story, &files).await;
        a_drained_node_gives_its_volumes_away(&lab, &story, &disk).await;
    }

    /// A kubelet that boots without the daemon: pods that run are left alone, pods
    /// that start wait, and pods that end wait too, until it is there.
    async fn a_pod_waits_for_the_daemon(lab: &Lab, story: &Story, files: &str) {
        let ending = story.run(&writer("ending", "files").on(NODES[0])).await;
        let nowhere = |selector: Value| json!({ "spec": { "template": { "spec": { "nodeSelector": selector } } } });
        let patch = async |patch: Value| {
            let patch = patch.to_string();
            let arguments = [
                "patch",
                "daemonset",
                "-n",
                NAMESPACE,
                "flex2csi-node",
                "-p",
                &patch,
            ];
            lab.kubectl(arguments).await.unwrap();
        };
        patch(nowhere(json!({ "flex2csi.io/test": "nowhere" }))).await;
        story
            .until("the daemon is gone", async || {
                let component = "app.kubernetes.io/component=node";
                let arguments = [
                    "get", "pods", "-n", NAMESPACE, "-l", component, "-o", "name",
                ];
                lab.kubectl(arguments).await.unwrap().is_empty()
            })
            .await;
        lab.restart_kubelet(NODES[0]).await.unwrap();
        writes_on(&ending).await;
        let starting = Pod::new("starting").on(NODES[0]).claim("files", "/data");
        let starting = story.start(&starting).await;
        let said = starting.event("MountVolume.SetUp failed").await;
        assert!(said.contains("flex2csi"), "{said}");
        ending.ask_to_end().await;
        patch(nowhere(json!({ "flex2csi.io/test": null }))).await;
        starting.running().await;
        ending.gone().await;
        starting.exec("cat /data/log").await;
        starting.delete().await;
        story.nothing_left_of(files).await;
    }

    async fn a_drained_node_gives_its_volumes_away(lab: &Lab, story: &Story, disk: &str) {
        let pod =
            writer("roams", "disk").edit(|pod| pod["spec"]["restartPolicy"] = json!("Always"));
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "roams", "namespace": "" },
            "spec": {
                "replicas": 1,
                "strategy": { "type": "Recreate" },
                "selector": { "matchLabels": { "app": "roams" } },
                "template": { "metadata": pod.object()["metadata"], "spec": pod.object()["spec"] },
            },
        });
        story.apply([deployment]).await;
        let first = story.pod_of("app=roams").await;
        first.running().await;
        let from = first.node().await;
        let drain = [
            "drain",
            &from,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--timeout=180s",
        ];
        lab.kubectl(drain).await.unwrap();
        first.gone().await;
        let second = story.pod_of("app=roams").await;
        second.running().await;
        assert_ne!(second.node().await, from);
        writes_on(&second).await;
        lab.kubectl(["uncordon", &from]).await.unwrap();
        lab.kubectl(["delete", "deployment", "-n", story.namespace(), "roams"])
            .await
            .unwrap();
        second.gone().await;
        story.nothing_left_of(disk).await;
    }

    async fn all_write_on(pods: &[Started<'_>]) {
        for pod in pods {
            writes_on(pod).await;
        }
    }

    /// Kills a container on the first node, and waits until kubelet has started it again.
    async fn kill(lab: &Lab, namespace: &str, label: &str, name: &str) {
        let container = Container {
            node: NODES[0],
            namespace,
            label,
            name,
        };
        let killed = container.kill(lab).await.unwrap();
        loop {
            let running = container.running(lab).await;
            if running.is_some_and(|running| running.restarts > killed.restarts) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}
