//! A legacy driver that attaches, with a copy of it beside kube-controller-manager: taken
//! over node by node.

mod tier_3 {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::story::Started;
    use flex2csi_testing::lab::{Attachments, Backend, NODES, Pod, Story};
    use serde_json::Value;

    use crate::operator::object;
    use crate::writer::{writer, writes_on};

    const PLUGINS: &str = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";
    const DIRECTORY: &str = "huawei.com~fuxivol";
    const CLAIMS: [&str; 3] = ["one", "two", "three"];

    /// The legacy driver has all of it: its calls of all nodes and of
    /// kube-controller-manager say whether anything was detached that was mounted.
    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_driver_that_attaches_is_taken_over_node_by_node() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install_backend().await.unwrap();
        for directory in directories(&lab) {
            put_driver(&directory);
        }
        let story = Story::begin(lab.clone(), "attaching").await;
        let mut handles = Vec::new();
        for claim in CLAIMS {
            handles.push(story.flex_volume(Backend::Disks, claim).await);
        }
        let one = story.run(&writer("one", "one").on(NODES[0])).await;
        let two = story.run(&writer("two", "two").on(NODES[1])).await;

        lab.install_with(&["original-attaches"]).await.unwrap();
        for node in NODES {
            story
                .until("the driver is taken over, and attaches", async || {
                    attaches(&lab, node).as_deref() == Some("yes")
                })
                .await;
        }
        writes_on(&one).await;
        writes_on(&two).await;
        let three = story.run(&writer("three", "three").on(NODES[0])).await;
        writes_on(&three).await;
        assert_eq!(
            held(&lab, NODES[0]).await,
            ["attaching-one", "attaching-three"]
        );

        // Without the controller's copy nobody detaches, and the node stays as it is.
        let copy = lab.cluster.controllers().plugin_directory().join(DIRECTORY);
        std::fs::remove_file(copy.join("fuxivol")).unwrap();
        three.delete().await;
        let log = lab.cluster.directory().join("kube-controller-manager.log");
        story
            .until("the controller cannot detach", async || {
                let log = std::fs::read_to_string(&log).unwrap();
                log.contains("no volume plugin matched")
            })
            .await;
        assert_eq!(attaches(&lab, NODES[0]).as_deref(), Some("yes"));
        put_driver(&copy);
        story
            .until("it is detached", async || {
                held(&lab, NODES[0]).await == ["attaching-one"]
            })
            .await;
        writes_on(&one).await;

        // A node that is drained is taken over; its pods go where the driver still is.
        let first = lines(&one).await;
        drain(&story, NODES[0], &[&one]).await;
        story
            .until("the first node is taken over", async || {
                attaches(&lab, NODES[0]).as_deref() == Some("no")
            })
            .await;
        let moved = story.run(&writer("moved", "one").on(NODES[1])).await;
        assert!(lines(&moved).await >= first);
        writes_on(&moved).await;
        writes_on(&two).await;
        an_early_uncordon_is_noticed(&lab, &story).await;
        let before = [lines(&moved).await, lines(&two).await];
        drain(&story, NODES[1], &[&moved, &two]).await;
        story
            .until("the last node is taken over", async || {
                attaches(&lab, NODES[1]).as_deref() == Some("no")
            })
            .await;
        let calls = calls(&lab);
        assert_never_detached_while_mounted(&calls);

        // Nothing is attached any more, so nobody needs the copy.
        std::fs::remove_dir_all(&copy).unwrap();
        let attachments = Attachments::watch(&lab).unwrap();
        for node in NODES {
            lab.kubectl(["uncordon", node]).await.unwrap();
        }
        for ((claim, node), before) in ["one", "two"].into_iter().zip(NODES).zip(before) {
            let pod = Pod::new("again").on(node).claim(claim, "/data");
            let pod = story.run(&pod).await;
            assert!(lines(&pod).await >= before);
            pod.exec("echo $(hostname) >>/data/log; sync").await;
            pod.delete().await;
        }
        for handle in &handles {
            story.nothing_left_of(handle).await;
        }
        for handle in &handles[..2] {
            assert_eq!(attachments.assert_one_node_at_a_time(&[handle]).len(), 1);
        }
        for node in NODES {
            assert_eq!(held(&lab, node).await, [""; 0]);
        }
        let of_nodes = |calls: &[Call]| calls.iter().filter(|call| !call.by.is_empty()).count();
        assert_eq!(of_nodes(&self::calls(&lab)), of_nodes(&calls));
    }

    /// A pod that comes to a node which has been taken over, while the controller has its
    /// copy yet: what that has attached there is not mounted.
    async fn an_early_uncordon_is_noticed(lab: &Lab, story: &Story) {
        let node = NODES[0];
        lab.kubectl(["uncordon", node]).await.unwrap();
        let pod = |name| Pod::new(name).on(node).claim("three", "/data");
        // The controller may not have attached yet when its volume is mounted.
        let first = story.start(&pod("early")).await;
        story
            .until("the controller has attached", async || {
                held(lab, node).await == ["attaching-three"]
            })
            .await;
        let waits = story.start(&pod("waits")).await;
        let said = waits.event("by a copy of that driver").await;
        assert!(
            said.contains("huawei.com/fuxivol/attaching-three"),
            "{said}"
        );
        lab.kubectl(["cordon", node]).await.unwrap();
        for pod in [first, waits] {
            pod.delete().await;
        }
        story
            .until("the controller has detached", async || {
                held(lab, node).await.is_empty()
            })
            .await;
    }

    /// Where the driver is, for kubelet on each node and for kube-controller-manager.
    fn directories(lab: &Lab) -> Vec<PathBuf> {
        let nodes = lab.nodes().iter().map(|node| node.path(PLUGINS));
        let controllers = lab.cluster.controllers().plugin_directory().to_owned();
        let all = nodes.chain([controllers]);
        all.map(|plugins| plugins.join(DIRECTORY)).collect()
    }

    /// As its installer does: under another name first.
    fn put_driver(directory: &Path) {
        std::fs::create_dir_all(directory).unwrap();
        let (partial, driver) = (directory.join(".partial"), directory.join("fuxivol"));
        std::fs::write(&partial, include_str!("fuxivol")).unwrap();
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&partial, &driver).unwrap();
    }

    /// What flex2csi has written down of the original on a node.
    fn attaches(lab: &Lab, node: &str) -> Option<String> {
        let directory = lab.node(node).path(PLUGINS).join(DIRECTORY);
        let text = std::fs::read(directory.join(".fuxivol.flex2csi.json")).ok()?;
        let installed: Value = serde_json::from_slice(&text).unwrap();
        installed["original"]["attaches"]
            .as_str()
            .map(str::to_owned)
    }

    /// The PersistentVolumes that a node has attached or in use as FlexVolumes.
    async fn held(lab: &Lab, node: &str) -> Vec<String> {
        let status = object(lab, &["node", node]).await["status"].take();
        let attached = status["volumesAttached"].as_array().into_iter().flatten();
        let attached = attached.filter_map(|volume| volume["name"].as_str());
        let in_use = status["volumesInUse"].as_array().into_iter().flatten();
        let names = attached.chain(in_use.filter_map(Value::as_str));
        let mut held: Vec<String> = names
            .filter_map(|name| name.strip_prefix("huawei.com/fuxivol/"))
            .map(str::to_owned)
            .collect();
        held.sort();
        held.dedup();
        held
    }

    async fn lines(pod: &Started<'_>) -> u64 {
        pod.exec("wc -l </data/log").await.trim().parse().unwrap()
    }

    async fn drain(story: &Story, node: &str, pods: &[&Started<'_>]) {
        let drain = [
            "drain",
            node,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--force",
            "--timeout=180s",
        ];
        story.lab.kubectl(drain).await.unwrap();
        for pod in pods {
            pod.gone().await;
        }
    }

    /// A call of the legacy driver.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Call {
        /// In nanoseconds since 1970, on a clock that all nodes have.
        at: u64,
        verb: String,
        volume: String,
        /// The node that called; empty for kube-controller-manager.
        by: String,
        /// The node to which it attaches.
        node: String,
    }

    /// All of them, in their order.
    fn calls(lab: &Lab) -> Vec<Call> {
        let mut all = Vec::new();
        let callers = NODES.iter().copied().chain([""]);
        for (directory, by) in directories(lab).iter().zip(callers) {
            let log = std::fs::read_to_string(directory.join(".calls")).unwrap_or_default();
            for line in log.lines() {
                let mut words = line.split(' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                let at = word().parse().unwrap();
                let (verb, volume, node) = (word(), word(), word());
                let by = by.to_owned();
                all.push(Call {
                    at,
                    verb,
                    volume,
                    by,
                    node,
                });
            }
        }
        all.sort();
        all
    }

    /// Each attach is followed by one detach on the same node, and no volume is mounted
    /// but in between.
    fn assert_never_detached_while_mounted(calls: &[Call]) {
        for claim in CLAIMS {
            let volume = format!("attaching-{claim}");
            let (mut on, mut mounted) = ("", false);
            let mut count = 0;
            for call in calls.iter().filter(|call| call.volume == volume) {
                match &*call.verb {
                    "attach" => {
                        assert_eq!((on, mounted), ("", false), "{call:?} of {calls:#?}");
                        on = &call.node;
                        count += 1;
                    }
                    "detach" => {
                        assert_eq!(
                            (on, mounted),
                            (&*call.node, false),
                            "{call:?} of {calls:#?}"
                        );
                        on = "";
                    }
                    verb => {
                        assert_eq!(on, call.by, "{call:?} of {calls:#?}");
                        mounted = verb == "mountdevice";
                    }
                }
            }
            assert_eq!((on, mounted), ("", false), "{volume} in {calls:#?}");
            assert!(count > 0, "{volume} was never attached: {calls:#?}");
        }
    }
}
