//! What volumes of a legacy class can do once they are rewritten, and could not before.

mod tier_3 {
    use flex2csi_testing::lab::{Backend, NODES, Pod, Sidecars, Story};
    use flex2csi_testing::provisioner::Provisioner;
    use serde_json::{Value, json};

    use crate::denied::nothing_was_denied;
    use crate::grown::{grow_under, restored, snapshot, snapshot_class, volume_of, zones};
    use crate::legacy;
    use crate::operator::{flex2csi, planned};

    const CLASS: &str = "after-late";
    /// Whose volumes are to be in one zone.
    const ZONED: &str = "after-zoned";
    const BACKEND: Backend = Backend::Disks;

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_rewritten_volume_grows_and_is_restored_from_a_snapshot_where_its_pod_is() {
        let story = Story::of_shim("after").await;
        let lab = &story.lab;
        lab.install_snapshots().await.unwrap();
        let _sidecars = Sidecars::beside(lab, BACKEND).unwrap();
        let (name, driver) = (BACKEND.provisioner(), BACKEND.csi_driver());
        let _provisioner =
            Provisioner::start(&lab.cluster, name, driver, &BACKEND.socket(lab)).unwrap();
        let [class, zoned] = classes();
        story
            .apply([class.clone(), zoned, snapshot_class(driver)])
            .await;
        let handle = story.provisioned_as(BACKEND, "data", "xfs").await;
        legacy::volume(&story, &class, "data", &handle).await;
        let local = local_volume(&story).await;
        let beside = Pod::new("beside").claim("local", "/data");
        let beside = story.run(&beside).await;
        beside.exec("echo here >/data/file").await;
        let old = Pod::new("old").on(NODES[0]).claim("data", "/data");
        let old = story.run(&old).await;
        old.exec("echo old >/data/file; sync").await;
        old.delete().await;
        story.nothing_left_of(&handle).await;

        planned(&story, 1, "ready").await;
        let rewrite = [
            "rewrite",
            "--yes",
            "--storage-class",
            CLASS,
            "--storage-class",
            ZONED,
        ];
        let said = flex2csi(lab, &rewrite).await;
        assert!(said.contains("3 done"), "{said}");
        assert_eq!(
            volume_of(&story, "data").await["spec"]["csi"]["volumeHandle"],
            *handle
        );

        // It grows under its pod.
        let data = Pod::new("data").on(NODES[0]).claim("data", "/data");
        let data = story.run(&data).await;
        grow_under(&story, &data, "data").await;
        assert_eq!(data.exec("cat /data/file").await, "old\n");

        // It is snapshotted, and the snapshot restored on the other node: only when a pod
        // says where.
        snapshot(&story, "taken", "data").await;
        data.exec("echo new >/data/file; sync").await;
        story
            .apply([restored(legacy::claim("restored", CLASS), "2Gi", "taken")])
            .await;
        let again = Pod::new("again").on(NODES[1]).claim("restored", "/data");
        let again = story.run(&again).await;
        assert_eq!(again.exec("cat /data/file").await, "old\n");
        assert_eq!(data.exec("cat /data/file").await, "new\n");
        assert_eq!(zones(&volume_of(&story, "restored").await), [NODES[1]]);

        // Where the class allows volumes, and nowhere else.
        story
            .apply(["placed", "misplaced"].map(|name| legacy::claim(name, ZONED)))
            .await;
        let misplaced = Pod::new("misplaced")
            .on(NODES[0])
            .claim("misplaced", "/data");
        let misplaced = story.start(&misplaced).await;
        misplaced.event("nodes are available").await;
        let placed = story
            .run(&Pod::new("placed").claim("placed", "/data"))
            .await;
        assert_eq!(placed.node().await, NODES[1]);
        assert_eq!(zones(&volume_of(&story, "placed").await), [NODES[1]]);
        let claim = story.object(&["persistentvolumeclaim", "misplaced"]).await;
        assert_eq!(claim["status"]["phase"], "Pending");

        // Volumes that are none of ours are as they were.
        let volume = story.object(&["persistentvolume", "after-local"]).await;
        assert_eq!(volume["metadata"]["uid"], local["metadata"]["uid"]);
        assert_eq!(volume["spec"], local["spec"]);
        assert_eq!(beside.exec("cat /data/file").await, "here\n");

        for pod in [data, again, placed, misplaced, beside] {
            pod.delete().await;
        }
        ends_with_its_claims(&story, &["data", "restored", "placed"]).await;
        nothing_was_denied(lab, &["flex2csi-node"]);
    }

    /// As the legacy provisioner's administrator wrote them.
    fn classes() -> [Value; 2] {
        let mut class = legacy::class(CLASS, "xfs");
        class["allowVolumeExpansion"] = json!(true);
        class["volumeBindingMode"] = json!("WaitForFirstConsumer");
        let mut zoned = class.clone();
        zoned["metadata"]["name"] = json!(ZONED);
        let zone = json!({ "key": "failure-domain.beta.kubernetes.io/zone", "values": [NODES[1]] });
        zoned["allowedTopologies"] = json!([{ "matchLabelExpressions": [zone] }]);
        [class, zoned]
    }

    /// A volume on a disk of the first node, and its claim; gives the volume.
    async fn local_volume(story: &Story) -> Value {
        let path = "/var/lib/after-local";
        let make = story.lab.node(NODES[0]).run(["mkdir", "-p", path]);
        make.await.unwrap();
        let term = json!({ "matchExpressions": [{
            "key": "kubernetes.io/hostname", "operator": "In", "values": [NODES[0]],
        }]});
        let source = json!({
            "local": { "path": path },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [term] } },
        });
        let volume = story.volume("local", "ReadWriteOnce", source).await;
        let mut bound = Value::Null;
        story
            .until("the local volume is bound", async || {
                bound = story.object(&["persistentvolume", &volume]).await;
                bound["status"]["phase"] == "Bound"
            })
            .await;
        bound
    }

    /// Deletes snapshots and claims: what was rewritten is deleted like what was made since.
    async fn ends_with_its_claims(story: &Story, claims: &[&str]) {
        let mut left = Vec::new();
        for claim in claims {
            let volume = volume_of(story, claim).await;
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
            left.push(volume["metadata"]["name"].as_str().unwrap().to_owned());
            let handle = volume["spec"]["csi"]["volumeHandle"].as_str().unwrap();
            assert!(is_kept(story, handle), "{handle}");
            left.push(handle.to_owned());
        }
        let everything = [
            "delete",
            "-n",
            story.namespace(),
            "volumesnapshots,pvc",
            "--all",
        ];
        story.lab.kubectl(everything).await.unwrap();
        story
            .until("nothing is left of what was made", async || {
                let kinds = "persistentvolumes,volumesnapshotcontents";
                let objects = story
                    .lab
                    .kubectl(["get", kinds, "-o", "name"])
                    .await
                    .unwrap();
                let is_there = |name: &str| {
                    objects
                        .lines()
                        .any(|line| line.ends_with(&format!("/{name}")))
                };
                let is_left = left
                    .iter()
                    .any(|each| is_there(each) || is_kept(story, each));
                !is_left && !objects.contains("volumesnapshotcontent")
            })
            .await;
    }

    /// Whether the backend has data of a volume.
    fn is_kept(story: &Story, handle: &str) -> bool {
        let volumes = story.lab.shared_directory().join("disk/data/volumes");
        volumes.join(handle).exists()
    }
}
