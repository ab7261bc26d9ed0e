//! PersistentVolumes that are replaced under pods that write to them all the time, and
//! the DaemonSet that goes while they do.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::backend::NAMESPACE;
    use flex2csi_testing::lab::story::Started;
    use flex2csi_testing::lab::{Attachments, Backend, NODES, Pod, Story};
    use flex2csi_testing::overlaid::overlaid;
    use serde_json::Value;

    use crate::ebs;
    use crate::operator::{IMAGE, flex2csi, object, planned};
    use crate::writer::{writer, writes_on};

    const CLAIMS: [&str; 3] = ["files", "disk", "ebs"];

    /// FlexVolumes that flex2csi serves, of a driver that attaches and of one that does
    /// not, and an in-tree volume that the cluster serves through CSI.
    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn volumes_are_replaced_and_the_daemons_go_under_pods_that_write() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        ebs::install(&lab).await;
        let story = Story::begin(lab.clone(), "rewritten").await;
        let files = story.flex_volume(Backend::Files, "files").await;
        let disk = story.flex_volume(Backend::Disks, "disk").await;
        ebs::volume(&story, "ebs").await;
        let attachments = Attachments::watch(&lab).unwrap();
        let mut pods = Vec::new();
        for claim in CLAIMS {
            pods.push(story.start(&writer(claim, claim).on(NODES[0])).await);
        }
        for pod in &pods {
            pod.running().await;
        }
        let before = claims(&story).await;

        planned(&story, CLAIMS.len(), "ready-in-use").await;
        let rewrite = [
            "rewrite",
            "-n",
            story.namespace(),
            "--yes",
            "--pin-image",
            IMAGE,
        ];
        let said = flex2csi(&lab, &rewrite).await;
        assert!(said.contains("3 done"), "{said}");
        all_write_on(&pods).await;
        for (claim, before) in claims(&story).await.iter().zip(&before) {
            assert_eq!(claim["metadata"]["uid"], before["metadata"]["uid"]);
            assert_eq!(claim["status"]["phase"], "Bound", "{claim}");
            assert_eq!(claim["spec"], before["spec"]);
            let name = claim["spec"]["volumeName"].as_str().unwrap();
            let volume = object(&lab, &["persistentvolume", name]).await;
            assert!(volume["spec"]["csi"].is_object(), "{volume}");
        }
        let left = lab
            .kubectl(["get", "pv,pvc,pods", "-A", "-o", "name"])
            .await;
        let left = left.unwrap();
        assert!(!left.contains("flex2csi-pin"), "{left}");

        // kubelet finds on the node what it does not remember, under pods that have both.
        lab.restart_kubelet(NODES[0]).await.unwrap();
        all_write_on(&pods).await;
        story
            .until("kubelet has let go of the FlexVolumes", async || {
                let mounts = lab.node(NODES[0]).mounts();
                !mounts.contains("/volumes/huawei.com~")
            })
            .await;
        all_write_on(&pods).await;

        // Now they are kubelet's, and flex2csi has nothing to do with them.
        for node in NODES {
            story
                .until("nothing counts as mounted through flex2csi", async || {
                    has_nothing(&lab, node).await
                })
                .await;
        }
        daemons_go(&lab).await;
        all_write_on(&pods).await;
        lab.restart_kubelet(NODES[0]).await.unwrap();
        all_write_on(&pods).await;

        let mut written = Vec::new();
        for pod in &pods {
            written.push(lines(pod).await);
            pod.delete().await;
        }
        for handle in [&files, &disk, ebs::VOLUME] {
            story.nothing_left_of(handle).await;
        }
        for (claim, handle) in [("disk", &*disk), ("ebs", ebs::VOLUME)] {
            let volume = format!("{}-{claim}", story.namespace());
            let uids = attachments.assert_one_node_at_a_time(&[handle, &volume]);
            assert_eq!(uids.len(), 1, "{claim} was attached more than once");
        }
        flex2csi(&lab, &["status", "-n", story.namespace()]).await;

        // Whoever comes now has a CSI volume like any other, with all that was written.
        for (claim, written) in CLAIMS.iter().zip(written) {
            let pod = Pod::new("reader").on(NODES[1]).claim(claim, "/data");
            let pod = story.run(&pod).await;
            let found = lines(&pod).await;
            assert!(found >= written, "{claim}: {found} of {written} lines");
            pod.delete().await;
        }
        for handle in [&files, &disk, ebs::VOLUME] {
            story.nothing_left_of(handle).await;
        }
    }

    /// Whether a node says that nothing is mounted through flex2csi, nor yet to be
    /// unstaged or detached: to the cluster, and to whoever asks there.
    async fn has_nothing(lab: &Lab, node: &str) -> bool {
        let published = object(lab, &["nodevolumes", node]).await;
        if published["shim"]
            .as_array()
            .is_none_or(|shim| !shim.is_empty())
        {
            return false;
        }
        let status = daemon_on(lab, node, &["node", "status", "-o", "json"]).await;
        let status: Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status, Value::Array(Vec::new()));
        true
    }

    /// Runs flex2csi in the daemon's pod of a node.
    async fn daemon_on(lab: &Lab, node: &str, arguments: &[&str]) -> String {
        let label = "app.kubernetes.io/component=node";
        let pods = object(lab, &["pods", "-n", NAMESPACE, "-l", label]).await;
        let mut pods = pods["items"].as_array().unwrap().iter();
        let pod = pods.find(|pod| pod["spec"]["nodeName"] == node).unwrap();
        let name = pod["metadata"]["name"].as_str().unwrap();
        let exec = ["exec", "-n", NAMESPACE, name, "--", "/flex2csi"];
        let said = lab.kubectl(exec.iter().chain(arguments)).await;
        said.unwrap()
    }

    /// Takes flex2csi off the nodes and out of the cluster, as the guides do; the CSI
    /// drivers stay.
    async fn daemons_go(lab: &Lab) {
        let leaving = overlaid("test-hostpath", &["uninstall"]).unwrap();
        let leaving = leaving.path().to_str().unwrap();
        lab.kubectl(["apply", "--server-side", "-k", leaving])
            .await
            .unwrap();
        lab.rolled_out(NAMESPACE, "daemonset/flex2csi-node")
            .await
            .unwrap();
        lab.kubectl(["delete", "namespace", NAMESPACE])
            .await
            .unwrap();
        for node in lab.nodes() {
            let plugins = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";
            let plugins = std::fs::read_dir(node.path(plugins)).unwrap();
            assert_eq!(plugins.count(), 0);
        }
    }

    async fn claims(story: &Story) -> Vec<Value> {
        let mut all = Vec::new();
        for claim in CLAIMS {
            let arguments = ["persistentvolumeclaim", "-n", story.namespace(), claim];
            all.push(object(&story.lab, &arguments).await);
        }
        all
    }

    async fn lines(pod: &Started<'_>) -> u64 {
        pod.exec("wc -l </data/log").await.trim().parse().unwrap()
    }

    async fn all_write_on(pods: &[Started<'_>]) {
        for pod in pods {
            writes_on(pod).await;
        }
    }
}
