//! A legacy driver that serves pods when flex2csi is installed over it.

mod tier_3 {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::{Backend, NODES, Node, Pod, Story};
    use serde_json::Value;

    use crate::writer::{writer, writes_on};

    const DIRECTORY: &str =
        "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/huawei.com~fuxinfs";

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn pods_of_the_original_go_on_and_new_mounts_are_csi() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install_backend().await.unwrap();
        for node in lab.nodes() {
            put_driver(node);
        }
        let story = Story::begin(lab.clone(), "original").await;
        let old = story.flex_volume(Backend::Files, "old").await;
        let new = story.flex_volume(Backend::Files, "new").await;
        let first = story.run(&writer("first", "old").on(NODES[0])).await;
        let second = story.run(&writer("second", "new").on(NODES[1])).await;

        lab.install().await.unwrap();
        for node in lab.nodes() {
            let original = node.path(&format!("{DIRECTORY}/.fuxinfs.orig"));
            story
                .until("the driver is taken over", async || original.exists())
                .await;
            story
                .until("the node says what is the original's", async || {
                    originals(&lab, node).await == 1
                })
                .await;
        }
        writes_on(&first).await;
        writes_on(&second).await;

        // A volume that the original has on this node is mounted by it once more, and
        // one that it has not is CSI's, though it has it on another node.
        let (node, mounts) = (lab.node(NODES[0]), calls(lab.node(NODES[0]), "mount"));
        let beside = story
            .run(&Pod::new("beside").on(NODES[0]).claim("old", "/data"))
            .await;
        assert_eq!(calls(node, "mount"), mounts + 1);
        let csi = story
            .run(&Pod::new("csi").on(NODES[0]).claim("new", "/data"))
            .await;
        assert_eq!(
            calls(node, "mount"),
            mounts + 1,
            "the original is not asked"
        );
        assert_ne!(csi.exec("cat /data/log").await, "");
        writes_on(&first).await;

        let unmounts = calls(node, "unmount");
        csi.delete().await;
        assert_eq!(
            calls(node, "unmount"),
            unmounts,
            "what is CSI's is no concern of the original"
        );
        for pod in [&first, &beside] {
            pod.delete().await;
        }
        assert_eq!(calls(node, "unmount"), unmounts + 2);
        story
            .until("nothing is the original's", async || {
                originals(&lab, node).await == 0
            })
            .await;

        // Now its volume is CSI's as well, data and all.
        let again = story
            .run(&Pod::new("again").on(NODES[0]).claim("old", "/data"))
            .await;
        assert_eq!(calls(node, "mount"), mounts + 1);
        assert_ne!(again.exec("cat /data/log").await, "");
        again.delete().await;
        second.delete().await;
        story.nothing_left_of(&old).await;
        story.nothing_left_of(&new).await;
    }

    /// As its installer does: under another name first.
    fn put_driver(node: &Node) {
        let directory = node.path(DIRECTORY);
        std::fs::create_dir_all(&directory).unwrap();
        let (partial, driver) = (directory.join(".partial"), directory.join("fuxinfs"));
        std::fs::write(&partial, include_str!("fuxinfs")).unwrap();
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&partial, &driver).unwrap();
    }

    /// How often the original was called with a verb.
    fn calls(node: &Node, verb: &str) -> usize {
        let log = std::fs::read_to_string(node.path("/var/log/fuxinfs-calls")).unwrap();
        let verbs = log.lines().filter_map(|line| line.split(' ').next());
        verbs.filter(|called| *called == verb).count()
    }

    /// How many mounts of the original the node says it has.
    async fn originals(lab: &Lab, node: &Node) -> usize {
        let arguments = ["get", "nodevolumes", node.name(), "-o", "json"];
        let Ok(published) = lab.kubectl(arguments).await else {
            return 0;
        };
        let published: Value = serde_json::from_str(&published).unwrap();
        published["original"].as_array().map_or(0, Vec::len)
    }
}
