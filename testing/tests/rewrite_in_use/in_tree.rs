//! In-tree volumes that the cluster serves through CSI already.

mod tier_2 {
    use flex2csi_testing::api;
    use kube::api::{Patch, PatchParams};
    use serde_json::{Value, json};

    use crate::kubelet::unique_name;
    use crate::site::{Site, eventually};

    const DRIVER: &str = "ebs.csi.aws.com";
    const FINALIZER: &str = "external-attacher/ebs-csi-aws-com";

    fn volume(name: &str, id: &str) -> Value {
        let annotations = match name {
            // The controller marks it as served through CSI.
            "provisioned" => {
                json!({"pv.kubernetes.io/provisioned-by": "kubernetes.io/aws-ebs"})
            }
            _ => json!({}),
        };
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
                "storageClassName": "",
                "claimRef": {"namespace": "default", "name": name},
                "awsElasticBlockStore": {"volumeID": id, "fsType": "ext4"},
            },
        })
    }

    fn finalizers(volume: &Value) -> Vec<&str> {
        let all = volume["metadata"]["finalizers"].as_array().unwrap();
        all.iter().map(|one| one.as_str().unwrap()).collect()
    }

    /// One that a provisioner made, which the controller marks as served through CSI, and
    /// one made by hand, which it does not.
    const VOLUMES: [(&str, &str); 2] = [
        ("provisioned", "vol-0123456789abcdef0"),
        ("by-hand", "vol-0123456789abcdef1"),
    ];

    const NODES_SAY_NOTHING: &str = "--without-node-evidence";

    /// A volume whose pod runs, attached by the driver itself.
    async fn in_use(site: &Site, name: &str, id: &str) {
        site.bound(volume(name, id)).await;
        site.pod(name).await;
        eventually("the volume is attached", async || {
            site.attachment(id).await.is_some()
        })
        .await;
        eventually("the attacher has marked the volume", async || {
            let volume = site.volume(name).await.unwrap();
            finalizers(&volume).contains(&FINALIZER)
        })
        .await;
    }

    /// One VolumeAttachment all along, and the attacher's finalizer on the volume in either
    /// form.
    async fn goes_there_and_back(site: &Site, name: &str, id: &str) {
        let claim = site.claim(name).await.unwrap();
        let attached = site.attachment(id).await.unwrap();
        let plan = site.done(&["plan", "--pv", name, NODES_SAY_NOTHING]).await;
        assert!(plan.contains("ready while in use"), "{plan}");
        for (verb, form) in [("rewrite", "csi"), ("rollback", "awsElasticBlockStore")] {
            let done = site
                .done(&[verb, "--pv", name, NODES_SAY_NOTHING, "--yes"])
                .await;
            assert!(done.contains("1 done"), "{done}");
            let volume = site.volume(name).await.unwrap();
            assert!(volume["spec"][form].is_object(), "{volume}");
            assert!(finalizers(&volume).contains(&FINALIZER), "{volume}");
            let bound = site.claim(name).await.unwrap();
            assert_eq!(bound["metadata"]["uid"], claim["metadata"]["uid"]);
            assert_eq!(bound["status"]["phase"], "Bound");
            let now = site.attachment(id).await.unwrap();
            assert_eq!(now["metadata"]["uid"], attached["metadata"]["uid"]);
            assert_eq!(site.detachments(), 0);
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager, csi-attacher and kubectl; testing/run prepares them"]
    async fn it_is_rewritten_under_its_pod_and_brought_back() {
        let site = Site::new(DRIVER, &VOLUMES.map(|(_, id)| id.to_owned())).await;
        for (name, id) in VOLUMES {
            in_use(&site, name, id).await;
        }
        let held = VOLUMES.map(|(_, id)| unique_name(&site, id));
        site.patch_node(json!({"volumesInUse": held})).await;
        for (name, id) in VOLUMES {
            goes_there_and_back(&site, name, id).await;
        }
        let [(provisioned, _), (by_hand, _)] = VOLUMES;
        has_a_class_when_it_comes_back(&site, by_hand).await;
        site.done(&["rewrite", "--pv", provisioned, NODES_SAY_NOTHING, "--yes"])
            .await;

        // Their pods end, and they are detached like any other.
        for (name, _) in VOLUMES {
            site.remove_pod("default", name).await;
        }
        site.patch_node(json!({"volumesInUse": []})).await;
        eventually("the volumes are detached", async || {
            let [(_, one), (_, other)] = VOLUMES;
            site.attachment(one).await.is_none() && site.attachment(other).await.is_none()
        })
        .await;
        site.assert_rights();
    }

    /// What external-resizer has written of a class while it was CSI does not keep a volume
    /// from coming back: the API server takes no class beside another source.
    async fn has_a_class_when_it_comes_back(site: &Site, name: &str) {
        site.done(&["rewrite", "--pv", name, NODES_SAY_NOTHING, "--yes"])
            .await;
        let class = Patch::Merge(json!({"spec": {"volumeAttributesClassName": "gold"}}));
        let parameters = PatchParams::default();
        for objects in [
            api::volumes(&site.admin),
            api::claims_in(&site.admin, "default"),
        ] {
            objects.patch(name, &parameters, &class).await.unwrap();
        }
        site.done(&["rollback", "--pv", name, NODES_SAY_NOTHING, "--yes"])
            .await;
        let volume = site.volume(name).await.unwrap();
        assert!(volume["spec"]["awsElasticBlockStore"].is_object());
        assert!(volume["spec"]["volumeAttributesClassName"].is_null());
        let claim = site.claim(name).await.unwrap();
        assert_eq!(claim["spec"]["volumeAttributesClassName"], "gold");
        // It is asked for, and no volume in legacy form is given one.
        let plan = site.done(&["plan", "--pv", name, NODES_SAY_NOTHING]).await;
        assert!(plan.contains("[attributes-class]"), "{plan}");
    }
}
