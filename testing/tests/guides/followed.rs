//! Each guide is followed to its end, with kubelet played.

mod tier_2 {
    use std::sync::Arc;

    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::{Cluster, Setup};
    use k8s_openapi::api::core::v1::Node;
    use kube::api::{Api, Patch, PatchParams};
    use serde_json::{Value, json};

    use crate::played::Kubelet;
    use crate::site::{Site, nothing_left, object};
    use crate::volumes::{Legacy, VOLUMES};

    /// A cluster with a legacy volume on its node.
    async fn cluster(legacy: &Legacy) -> Arc<Cluster> {
        let setup = Setup::binding(ApiRate::FAST);
        let cluster = Cluster::start_with(&setup).await.unwrap();
        applied(&cluster, legacy.objects()).await.unwrap();
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        let nodes: Api<Node> = Api::all(cluster.client().unwrap());
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(ready));
        let patched = nodes.patch_status("node-1", &parameters, &patch).await;
        patched.unwrap();
        let bound = [
            "wait",
            "-n",
            "shop",
            "pvc/data",
            "--for=jsonpath={.status.phase}=Bound",
            "--timeout=120s",
        ];
        cluster.kubectl(bound).await.unwrap();
        Arc::new(cluster)
    }

    async fn claim(cluster: &Cluster) -> Value {
        let claim = object(cluster, "pvc", &["-n", "shop", "data"]).await;
        claim.unwrap()
    }

    /// What is asked of the volume at every step: the same claim; and which form.
    async fn form(cluster: &Cluster) -> Option<String> {
        let claim = claim(cluster).await;
        let volume = object(cluster, "pv", &["data"]).await.unwrap();
        assert_eq!(volume["spec"]["claimRef"]["uid"], claim["metadata"]["uid"]);
        assert_eq!(claim["status"]["phase"], "Bound");
        let driver = volume["spec"]["csi"]["driver"].as_str();
        driver.map(str::to_owned)
    }

    async fn follow(legacy: &Legacy) {
        let cluster = cluster(legacy).await;
        let _kubelet = Kubelet::play(cluster.clone());
        let site = Site::new(legacy.overlay, &cluster, "registry.site.example/flex2csi");
        let before = claim(&cluster).await;
        let mut planned = String::new();
        for title in site.page.titles() {
            if title == "prepare" && !legacy.values.is_empty() {
                // What the site has to fill in.
                let values = format!("deploy/overlays/{}/values.yaml", legacy.overlay);
                std::fs::write(site.file(&values), legacy.values).unwrap();
            }
            let said = site.follow(title).await;
            match title {
                "plan" => planned = said,
                "rewrite" | "again" => {
                    let form = form(&cluster).await;
                    assert_eq!(form.as_deref(), Some(legacy.driver), "{planned}\n{said}");
                }
                "back" => assert_eq!(form(&cluster).await, None, "{said}"),
                _ => {}
            }
        }
        let after = claim(&cluster).await;
        assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
        nothing_left(&cluster).await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
    async fn an_overlay_that_has_changed_is_applied_again() {
        let legacy = VOLUMES.iter().find(|it| it.overlay == "huawei-fuxi");
        let legacy = legacy.unwrap();
        let cluster = cluster(legacy).await;
        let _kubelet = Kubelet::play(cluster.clone());
        let site = Site::new(legacy.overlay, &cluster, "registry.site.example/flex2csi");
        let job = async || {
            let place = ["-n", "flex2csi-rewrite", "flex2csi-rewrite"];
            let job = object(&cluster, "job", &place).await.unwrap();
            job["spec"]["template"]["spec"]["containers"][0].clone()
        };
        for title in ["prepare", "install", "plan"] {
            site.follow(title).await;
        }

        // Somebody has edited what may not be: whoever waits for the Job is told.
        std::fs::write(site.file("plan.yaml"), "edited: true\n").unwrap();
        let said = site.follow("rewrite").await;
        assert!(said.contains("Failed"), "{said}");
        assert_eq!(form(&cluster).await, None);

        // The next round, with another program and a component more.
        site.edit("newTag: 0.1.0", "newTag: 0.1.1");
        site.edit("# - ../../components/restart", "- ../../components/restart");
        let said = site.follow("again").await;
        assert!(said.contains("Complete"), "{said}");
        assert_eq!(form(&cluster).await.as_deref(), Some(legacy.driver));
        let run = job().await;
        assert_eq!(run["image"], "registry.site.example/flex2csi:0.1.1");
        assert!(
            run["args"]
                .as_array()
                .unwrap()
                .contains(&json!("--restart"))
        );

        // And what is done with a Job that has ended.
        site.edit("newTag: 0.1.1", "newTag: 0.1.2");
        site.update().await;
        assert_eq!(job().await["image"], "registry.site.example/flex2csi:0.1.2");
        site.edit("newTag: 0.1.2", "newTag: 0.1.3");
        site.follow("leave").await;
        assert_eq!(job().await["image"], "registry.site.example/flex2csi:0.1.3");
    }

    macro_rules! guides {
        ($($name:ident: $overlay:literal,)*) => {
            $(
                #[tokio::test]
                #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
                async fn $name() {
                    let volume = VOLUMES.iter().find(|volume| volume.overlay == $overlay);
                    follow(volume.unwrap()).await;
                }
            )*

            #[test]
            #[ignore = "tier 2: with the others"]
            fn every_guide_is_followed() {
                let followed = [$($overlay),*];
                let all = std::fs::read_dir(crate::page::guides()).unwrap();
                for page in all {
                    let page = page.unwrap().file_name().into_string().unwrap();
                    assert!(followed.contains(&page.trim_end_matches(".md")), "{page}");
                }
            }
        };
    }

    guides! {
        huawei_fuxi: "huawei-fuxi",
        alibaba: "alibaba",
        rook_flex: "rook-flex",
        oci: "oci",
        in_tree_rbd: "in-tree-rbd",
        in_tree_cephfs: "in-tree-cephfs",
        in_tree_cloud_disks: "in-tree-cloud-disks",
    }
}
