//! A guide is followed on real nodes, by somebody with a volume and a pod.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::lab::{Lab, NODES, Pod, Story};
    use flex2csi_testing::rights;
    use serde_json::json;

    use crate::site::{Site, nothing_left, object};

    /// A cluster with everest's CSI drivers, or what poses as them.
    async fn lab() -> Arc<Lab> {
        let lab = Lab::start().await.unwrap();
        lab.apply("deploy/hostpath").await.unwrap();
        lab.rolled_out("flex2csi-hostpath", "daemonset/hostpath")
            .await
            .unwrap();
        lab.rolled_out("flex2csi-hostpath", "deployment/hostpath-attacher")
            .await
            .unwrap();
        Arc::new(lab)
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn huawei_fuxi() {
        let lab = lab().await;
        let story = Story::begin(lab.clone(), "shop").await;
        let source = json!({ "flexVolume": { "driver": "huawei.com/fuxivol", "fsType": "ext4", "options": {
            "disk-mode": "SCSI", "fsType": "ext4", "volumeID": "vol-1",
        }}});
        let volume = story.volume("data", "ReadWriteOnce", source).await;
        let driver = async || {
            let volume = object(&lab.cluster, "pv", &[&volume]).await.unwrap();
            let driver = volume["spec"]["csi"]["driver"].as_str();
            driver.map(str::to_owned)
        };
        // The pod of a round says what the ones before have written.
        let round = async |node: &str, before: &str| {
            let pod = story
                .run(&Pod::new("round").on(node).claim("data", "/data"))
                .await;
            assert_eq!(pod.exec("touch /data/log; cat /data/log").await, before);
            pod.exec("echo round >>/data/log; sync").await;
            pod.delete().await;
            story
                .until("the volume is detached", async || {
                    let attached = ["get", "volumeattachments", "-o", "name"];
                    lab.kubectl(attached).await.unwrap().is_empty()
                })
                .await;
        };
        let site = Site::new("huawei-fuxi", &lab.cluster, "docker.io/library/flex2csi");
        for title in site.page.titles() {
            if title == "install" {
                // The tag that the nodes have.
                site.edit("newTag: 0.1.0", "newTag: test");
            }
            if title == "plan" || title == "leave" {
                story
                    .until("no node has anything of it", async || {
                        let said = lab.kubectl(["get", "nodevolumes", "-o", "json"]).await;
                        let said: serde_json::Value = serde_json::from_str(&said.unwrap()).unwrap();
                        let items = said["items"].as_array().unwrap();
                        let is_free = |item: &serde_json::Value| {
                            item["counts"]["shim"] == 0 && item["counts"]["detaching"] == 0
                        };
                        items.len() == NODES.len() && items.iter().all(is_free)
                    })
                    .await;
            }
            if title == "remove" {
                // With it the rights go before those who have them.
                rights::prove(&lab.cluster, "guides::on_nodes", &[]).await;
            }
            let said = site.follow(title).await;
            match title {
                "install" => round(NODES[0], "").await,
                "rewrite" => {
                    assert_eq!(
                        driver().await.as_deref(),
                        Some("disk.csi.everest.io"),
                        "{said}"
                    );
                    round(NODES[1], "round\n").await;
                }
                "again" => round(NODES[0], "round\nround\n").await,
                "back" => {
                    assert_eq!(driver().await, None, "{said}");
                    round(NODES[0], "round\nround\nround\n").await;
                }
                _ => {}
            }
        }
        nothing_left(&lab.cluster).await;
    }
}
