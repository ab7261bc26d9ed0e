//! In-tree volumes that the cluster serves through CSI already.

mod tier_2 {
    use serde_json::{Value, json};

    use crate::kubelet::unique_name;
    use crate::site::{Site, eventually};

    const DRIVER: &str = "ebs.csi.aws.com";
    const FINALIZER: &str = "external-attacher/ebs-csi-aws-com";

    fn volume(name: &str, id: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": name,
                "annotations": {"pv.kubernetes.io/provisioned-by": "kubernetes.io/aws-ebs"},
            },
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

    /// There and back under a running pod: one VolumeAttachment all along, and the
    /// attacher's finalizer on the volume in either form.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager, csi-attacher and kubectl; testing/run prepares them"]
    async fn it_is_rewritten_under_its_pod_and_brought_back() {
        let id = "vol-0123456789abcdef0";
        let site = Site::new(DRIVER, &[id.to_owned()]).await;
        let claim = site.bound(volume("ebs", id)).await;
        site.pod("ebs").await;
        eventually("the volume is attached", async || {
            site.attachment(id).await.is_some()
        })
        .await;
        let in_use = json!({"volumesInUse": [unique_name(&site, id)]});
        site.patch_node(in_use).await;
        eventually("the attacher has marked the volume", async || {
            let volume = site.volume("ebs").await.unwrap();
            finalizers(&volume).contains(&FINALIZER)
        })
        .await;
        let attached = site.attachment(id).await.unwrap();

        let node = "--without-node-evidence";
        let plan = site.done(&["plan", "--pv", "ebs", node]).await;
        assert!(plan.contains("ready while in use"), "{plan}");
        for (verb, form) in [("rewrite", "csi"), ("rollback", "awsElasticBlockStore")] {
            let done = site.done(&[verb, "--pv", "ebs", node, "--yes"]).await;
            assert!(done.contains("1 done"), "{done}");
            let volume = site.volume("ebs").await.unwrap();
            assert!(volume["spec"][form].is_object(), "{volume}");
            assert!(finalizers(&volume).contains(&FINALIZER), "{volume}");
            let bound = site.claim("ebs").await.unwrap();
            assert_eq!(bound["metadata"]["uid"], claim["metadata"]["uid"]);
            assert_eq!(bound["status"]["phase"], "Bound");
            let now = site.attachment(id).await.unwrap();
            assert_eq!(now["metadata"]["uid"], attached["metadata"]["uid"]);
            assert_eq!(site.detachments(), 0);
        }
        site.done(&["rewrite", "--pv", "ebs", node, "--yes"]).await;

        // Its pod ends, and it is detached like any other.
        site.remove_pod("default", "ebs").await;
        site.patch_node(json!({"volumesInUse": []})).await;
        eventually("the volume is detached", async || {
            site.attachment(id).await.is_none()
        })
        .await;
        site.assert_rights();
    }
}
