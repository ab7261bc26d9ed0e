//! FlexVolumes that the node daemon serves through a driver that attaches.

mod tier_2 {
    use flex2csi_testing::{api, rights};
    use flex2csi_translators::attachment::attachment_name;
    use kube::api::ListParams;
    use serde_json::{Value, json};

    use crate::kubelet::{Kubelet, NO_IMAGE, unique_name};
    use crate::site::{NAMESPACE, NODE, Site, eventually};

    const DRIVER: &str = "disk.csi.acme.com";

    const MAPPING: &str = r#"
mapping: acme-disk
summary: Acme disks
drivers: [acme.com/disk]
csiDriver: '"disk.csi.acme.com"'
confidence: high
volume:
  volumeHandle: options.volumeID
  fsType: pv.spec.flexVolume.fsType
references: [a test]
description: |
  Acme disks.
examples:
  - name: a disk
    in: &in
      apiVersion: v1
      kind: PersistentVolume
      metadata: {name: pv-1}
      spec:
        accessModes: [ReadWriteOnce]
        flexVolume: {driver: acme.com/disk, fsType: ext4, options: {volumeID: vol-1}}
    out: &out
      apiVersion: v1
      kind: PersistentVolume
      metadata: {name: pv-1}
      spec:
        accessModes: [ReadWriteOnce]
        csi: {driver: disk.csi.acme.com, volumeHandle: vol-1, fsType: ext4}
    notes: []
  - name: another
    in: *in
    out: *out
    notes: []
"#;

    fn volume(name: &str, id: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": name,
                "annotations": {"pv.kubernetes.io/provisioned-by": "acme.com/disk"},
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Filesystem",
                "storageClassName": "",
                "claimRef": {"namespace": "default", "name": name},
                "flexVolume": {
                    "driver": "acme.com/disk", "fsType": "ext4", "options": {"volumeID": id},
                },
            },
        })
    }

    /// The node daemon's attachment of a volume.
    fn attachment(id: &str) -> Value {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": {
                "name": attachment_name(DRIVER, id, NODE),
                "labels": {"app.kubernetes.io/managed-by": "flex2csi"},
            },
            "spec": {
                "attacher": DRIVER, "nodeName": NODE,
                "source": {"inlineVolumeSpec": {
                    "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
                    "persistentVolumeReclaimPolicy": "Retain",
                    "csi": {"driver": DRIVER, "volumeHandle": id, "fsType": "ext4"},
                }},
            },
        })
    }

    /// Volumes that the node daemon has attached and mounted, each for a pod.
    struct Served {
        site: Site,
        kubelet: Kubelet,
        mappings: String,
    }

    impl Served {
        async fn new(volumes: &[&str]) -> Self {
            let ids: Vec<String> = volumes.iter().map(|name| format!("vol-{name}")).collect();
            let site = Site::new(DRIVER, &ids).await;
            let kubelet = Kubelet::default();
            let mappings = site.cluster.directory().join("mapping.yaml");
            std::fs::write(&mappings, MAPPING).unwrap();
            for (name, id) in volumes.iter().zip(&ids) {
                site.bound(volume(name, id)).await;
                site.put(attachment(id)).await;
                let pod = site.pod(name).await;
                eventually("the volume is attached", async || {
                    site.attachment(id).await.is_some()
                })
                .await;
                kubelet.mounts(&site, name, id, &pod).await;
            }
            let mappings = mappings.to_str().unwrap().to_owned();
            Self {
                site,
                kubelet,
                mappings,
            }
        }

        fn rewrite<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
            vec![
                "rewrite",
                "--takeover-after",
                "3",
                "--pv",
                name,
                "--mappings",
                &self.mappings,
                "--yes",
            ]
        }

        /// Runs the program while kubelet works, which has to end well.
        async fn done(&self, arguments: &[&str]) -> String {
            let done = self.site.done(arguments);
            self.kubelet.while_it_works(&self.site, done).await
        }

        /// Pins a volume by a pod whose image cannot be had, which is known only when that
        /// has it in use.
        async fn is_pinned_without_an_image(&self, name: &str) {
            let mut rewrite = self.rewrite(name);
            rewrite.extend(["--pin-image", NO_IMAGE]);
            let pinned = async {
                self.site.dies(&rewrite, "pin.after:3").await;
                let unique = unique_name(&self.site, &format!("vol-{name}"));
                eventually("the pod has the volume in use", async || {
                    let node = api::nodes(&self.site.admin).get(NODE).await.unwrap();
                    node.data["status"]["volumesInUse"]
                        .to_string()
                        .contains(&unique)
                })
                .await;
            };
            self.kubelet.while_it_works(&self.site, pinned).await;
        }

        async fn uid(&self, name: &str) -> Value {
            let attachment = self.site.attachment(&format!("vol-{name}")).await;
            attachment.expect("attached")["metadata"]["uid"].clone()
        }

        /// That it is CSI, bound, attached as it was, and pinned no more.
        async fn assert_rewritten(&self, name: &str, uid: &Value) {
            let volume = self.site.volume(name).await.unwrap();
            assert!(volume["spec"]["csi"].is_object(), "{volume}");
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
            let claim = self.site.claim(name).await.unwrap();
            assert_eq!(claim["status"]["phase"], "Bound");
            assert_eq!(self.uid(name).await, *uid);
            self.assert_unpinned().await;
        }

        async fn assert_unpinned(&self) {
            for kind in ["Pod", "PersistentVolumeClaim"] {
                let of = json!({
                    "apiVersion": "v1", "kind": kind, "metadata": {"namespace": NAMESPACE},
                });
                let api = api::of(&self.site.admin, &of);
                let left = api.list(&ListParams::default()).await.unwrap().items;
                assert!(left.is_empty(), "{left:?}");
            }
            let volumes = api::volumes(&self.site.admin);
            let volumes = volumes.list(&ListParams::default()).await.unwrap().items;
            let names = volumes
                .iter()
                .map(|volume| volume.metadata.name.clone().unwrap());
            let left: Vec<_> = names
                .filter(|name| name.starts_with("flex2csi-pin-"))
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }

        /// Its pod ends: the attach/detach controller, whose attachment it is by now,
        /// detaches it; and the policy comes back.
        async fn ends(&self, name: &str) {
            let id = format!("vol-{name}");
            let ends = async {
                self.site.remove_pod("default", name).await;
                eventually("the volume is detached", async || {
                    self.site.attachment(&id).await.is_none()
                })
                .await;
            };
            self.kubelet.while_it_works(&self.site, ends).await;
            self.done(&self.rewrite(name)).await;
            let volume = self.site.volume(name).await.unwrap();
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager, csi-attacher and kubectl; testing/run prepares them"]
    async fn it_is_pinned_and_rewritten_under_its_pod() {
        let served = Served::new(&["a"]).await;
        let (site, uid) = (&served.site, served.uid("a").await);
        let plan = ["plan", "--pv", "a", "--mappings", &served.mappings];
        let plan = served.done(&plan).await;
        assert!(plan.contains("ready while in use"), "{plan}");
        served.is_pinned_without_an_image("a").await;
        let said = served.done(&served.rewrite("a")).await;
        assert!(said.contains("stays Retain until the pods"), "{said}");
        served.assert_rewritten("a", &uid).await;
        assert_eq!(site.detachments(), 0);
        served.ends("a").await;
        let detached = site.detachments();
        assert_eq!(detached, 1);
        served.done(&["rollback", "--pv", "a", "--yes"]).await;
        let volume = site.volume("a").await.unwrap();
        assert!(volume["spec"]["flexVolume"].is_object(), "{volume}");
        site.assert_rights();
        rights::prove(&site.cluster, "rewrite_in_use::pinned", &["get secrets"]).await;
    }

    /// It dies wherever something of a pin may be left; the next one goes on.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager, csi-attacher and kubectl; testing/run prepares them"]
    async fn who_dies_leaves_no_pin_to_the_next() {
        let deaths = [
            ("a", "pin.after:1"),
            ("b", "pin.before:3"),
            ("c", "pin.after:3"),
            ("d", "delete.after"),
            ("e", "create.after"),
            ("f", "unpin.after:1"),
            ("g", "unpin.after:3"),
        ];
        let names = deaths.map(|(name, _)| name);
        let served = Served::new(&names).await;
        for (name, step) in deaths {
            let uid = served.uid(name).await;
            let rewrite = served.rewrite(name);
            let dies = served.site.dies(&rewrite, step);
            served.kubelet.while_it_works(&served.site, dies).await;
            served.done(&rewrite).await;
            served.assert_rewritten(name, &uid).await;
        }
        assert_eq!(served.site.detachments(), 0);
        served.site.assert_rights();
    }

    /// Rolled back after it died with a pin in place: under its pod that would detach it,
    /// and is refused; when the pod has ended nothing is left.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager, csi-attacher and kubectl; testing/run prepares them"]
    async fn a_pin_under_a_pod_stays_until_the_pod_ends() {
        let served = Served::new(&["a"]).await;
        let (site, kubelet) = (&served.site, &served.kubelet);
        let rewrite = served.rewrite("a");
        let dies = site.dies(&rewrite, "commit.before");
        kubelet.while_it_works(site, dies).await;
        let back = ["rollback", "--pv", "a", "--yes"];
        let tool = site.tool(&back);
        let ended = kubelet.while_it_works(site, tool.run()).await.unwrap();
        assert_eq!(ended.code, Some(1));
        let said = crate::site::said(&ended);
        assert!(said.contains("pinned to node node-1 under pods"), "{said}");
        assert_eq!(site.detachments(), 0);
        let ends = async {
            site.remove_pod("default", "a").await;
            // Until then it is used.
            eventually("the node says that it is unmounted", async || {
                kubelet.has_none()
            })
            .await;
            site.done(&back).await
        };
        kubelet.while_it_works(site, ends).await;
        served.assert_unpinned().await;
        let volume = site.volume("a").await.unwrap();
        assert!(volume["spec"]["flexVolume"].is_object(), "{volume}");
        assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
        let annotations = &volume["metadata"]["annotations"];
        assert!(annotations["flex2csi.io/rewriting"].is_null(), "{volume}");
    }
}
