//! Each guide is followed to its end.

mod tier_2 {
    use serde_json::Value;

    use crate::site::Site;
    use crate::volumes::{Legacy, VOLUMES};

    /// What is asked of a volume at every step: the same claim, and which form.
    async fn volume(site: &Site) -> Value {
        let claim = site.object("persistentvolumeclaim", "data").await.unwrap();
        let volume = site.object("persistentvolume", "data").await.unwrap();
        assert_eq!(volume["spec"]["claimRef"]["uid"], claim["metadata"]["uid"]);
        assert_eq!(claim["status"]["phase"], "Bound");
        volume
    }

    async fn follow(legacy: &Legacy) {
        let site = Site::new(legacy).await;
        site.cluster
            .kubectl([
                "wait",
                "-n",
                "shop",
                "pvc/data",
                "--for=jsonpath={.status.phase}=Bound",
                "--timeout=120s",
            ])
            .await
            .unwrap();
        let claim = site.object("persistentvolumeclaim", "data").await.unwrap();
        let mut planned = String::new();
        for title in site.titles() {
            match title {
                "prepare" => {
                    // What the site has to fill in.
                    let values = format!("deploy/overlays/{}/values.yaml", legacy.overlay);
                    if !legacy.values.is_empty() {
                        std::fs::write(site.file(&values), legacy.values).unwrap();
                    }
                    site.follow(title).await;
                }
                "plan" => {
                    planned = site.follow(title).await;
                    assert!(volume(&site).await["spec"].get("csi").is_none());
                }
                "rewrite" | "again" => {
                    let said = site.follow(title).await;
                    let volume = volume(&site).await;
                    let driver = &volume["spec"]["csi"]["driver"];
                    assert_eq!(driver, legacy.driver, "{planned}\n{said}");
                }
                "back" => {
                    let said = site.follow(title).await;
                    assert!(volume(&site).await["spec"].get("csi").is_none(), "{said}");
                }
                _ => {
                    site.follow(title).await;
                }
            }
        }
        let same = site.object("persistentvolumeclaim", "data").await.unwrap();
        assert_eq!(same["metadata"]["uid"], claim["metadata"]["uid"]);
        nothing_left(&site).await;
    }

    /// Nothing of flex2csi is left in the API.
    async fn nothing_left(site: &Site) {
        let kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,\
                     validatingadmissionpolicies,validatingadmissionpolicybindings,volumeattachments";
        let arguments = ["get", kinds, "-o", "name"];
        let left = site.cluster.kubectl(arguments).await.unwrap();
        assert!(left.contains("clusterrole"), "{left}");
        let ours: Vec<&str> = left
            .lines()
            .filter(|line| line.contains("flex2csi"))
            .collect();
        assert!(ours.is_empty(), "{ours:?}");
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
