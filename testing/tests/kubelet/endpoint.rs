//! A volume in legacy form, served by the CSI endpoint of `deploy/overlays/endpoint`, with
//! the real sidecars beside it.

mod tier_3 {
    use std::path::PathBuf;
    use std::sync::Arc;

    use flex2csi_testing::account::client_of;
    use flex2csi_testing::deployed::objects_in;
    use flex2csi_testing::lab::backend::NAMESPACE;
    use flex2csi_testing::lab::{NODES, Pod, Story};
    use flex2csi_testing::overlaid::overlaid_with;
    use flex2csi_testing::provisioner::Provisioner;
    use flex2csi_testing::tool::Tool;
    use flex2csi_testing::{Lab, rights};
    use serde_json::{Value, json};

    use crate::denied::nothing_was_denied;
    use crate::ebs;
    use crate::grown::{grow_under, restored, snapshot, snapshot_class, volume_of, zones};

    const DRIVER: &str = "ebs.csi.aws.com.flex2csi.io";
    const CLASS: &str = "in-tree";

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_volume_in_legacy_form_grows_and_is_snapshotted_through_the_endpoint() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install_backend().await.unwrap();
        ebs::install(&lab).await;
        lab.install_snapshots().await.unwrap();
        lab.import_sidecars().await.unwrap();
        let story = Story::begin(lab.clone(), "endpoint").await;
        install(&story).await;

        story.apply(via_endpoint(&story).await).await;
        story.apply([claim("data"), snapshot_class(DRIVER)]).await;
        let data = Pod::new("data").on(NODES[0]).claim("data", "/data");
        let data = story.run(&data).await;
        data.exec("echo old >/data/file; sync").await;
        grow_under(&story, &data, "data").await;

        // The backend's controllers do not see what is mounted on the other node, and copy
        // nothing that may change.
        data.delete().await;
        story.nothing_left_of("endpoint-data").await;
        snapshot(&story, "taken", "data").await;
        let data = Pod::new("data").on(NODES[0]).claim("data", "/data");
        let data = story.run(&data).await;
        data.exec("echo new >/data/file; sync").await;
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("endpoint.sock");
        // A path as kubelet has it is too long for a socket's address.
        std::os::unix::fs::symlink(controller_socket(&story).await, &socket).unwrap();
        let account = client_of(&lab.cluster, NAMESPACE, "flex2csi-controller").unwrap();
        let _provisioner = Provisioner::start_as(account, DRIVER, DRIVER, &socket).unwrap();
        story
            .apply([restored(claim("restored"), "2Gi", "taken")])
            .await;
        let again = Pod::new("again").on(NODES[1]).claim("restored", "/data");
        let again = story.run(&again).await;
        assert_eq!(again.exec("cat /data/file").await, "old\n");
        assert_eq!(data.exec("cat /data/file").await, "new\n");
        assert_eq!(zones(&volume_of(&story, "restored").await), [NODES[1]]);

        let volumes = ["data", "restored"];
        let mut names = Vec::new();
        for volume in volumes {
            let volume = volume_of(&story, volume).await;
            assert_eq!(volume["spec"]["csi"]["driver"], DRIVER);
            names.push(volume["metadata"]["name"].as_str().unwrap().to_owned());
        }
        for pod in [data, again] {
            pod.delete().await;
        }
        for name in &names {
            story.nothing_left_of(name).await;
        }
        give_back(&story, "restored", &names[1]).await;
        nothing_was_denied(&lab, &["flex2csi-controller"]);
        // A watch is in the log when it has ended.
        let controller = [
            "delete",
            "deployment",
            "-n",
            NAMESPACE,
            "flex2csi-controller",
        ];
        lab.kubectl(controller).await.unwrap();
        rights::prove(&lab.cluster, "kubelet::endpoint", &[]).await;
    }

    /// Fills in what the overlay leaves to a site, as for a vendor whose controller runs as
    /// root: all containers do then.
    async fn install(story: &Story) {
        let as_root = json!({ "runAsNonRoot": false, "runAsUser": 0, "runAsGroup": 0 });
        let ours = ["flex2csi", "attacher", "resizer", "snapshotter"];
        let mut containers: Vec<Value> = ours
            .iter()
            .map(|name| json!({ "name": name, "securityContext": as_root }))
            .collect();
        containers.push(json!({
            "name": "vendor",
            "args": ebs::arguments("/csi/csi.sock", &["--services=controller", "--node-id=controller"]),
            "securityContext": { "$patch": "replace", "privileged": true },
            "volumeMounts": [
                { "name": "backend", "mountPath": "/var/lib/hostpath.flex2csi.io", "mountPropagation": "Bidirectional" },
                { "name": "dev", "mountPath": "/dev" },
            ],
        }));
        // The real one is in no module that can be had.
        containers.push(json!({ "name": "provisioner", "$patch": "delete" }));
        let controller = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "flex2csi-controller", "namespace": NAMESPACE },
            "spec": { "template": { "spec": {
                "containers": containers,
                "volumes": [
                    { "name": "backend", "hostPath": { "path": "/var/lib/hostpath.flex2csi.io" } },
                    { "name": "dev", "hostPath": { "path": "/dev" } },
                ],
            }}},
        });
        let image =
            |name: &str, new: &str| json!({ "name": name, "newName": new, "newTag": "test" });
        let sidecar = |name: &str| image(&format!("registry.k8s.io/sig-storage/{name}"), name);
        let filled_in = json!({
            "patches": [{ "patch": controller.to_string() }],
            "images": [
                image("registry.example.com/flex2csi", "flex2csi"),
                image("registry.example.com/vendor-controller", "flex2csi-hostpath"),
                sidecar("csi-attacher"),
                sidecar("csi-resizer"),
                sidecar("csi-snapshotter"),
            ],
        });
        let site = overlaid_with("endpoint", &[], filled_in).unwrap();
        let lab = &story.lab;
        lab.cluster.install_definitions().await.unwrap();
        let apply = [
            "apply",
            "--server-side",
            "-k",
            site.path().to_str().unwrap(),
        ];
        lab.kubectl(apply).await.unwrap();
        for workload in ["daemonset/flex2csi-node", "deployment/flex2csi-controller"] {
            lab.rolled_out(NAMESPACE, workload).await.unwrap();
        }
        for node in NODES {
            story
                .until("kubelet knows the endpoint", async || {
                    let node = story.object(&["csinode", node]).await;
                    node["spec"]["drivers"].to_string().contains(DRIVER)
                })
                .await;
        }
    }

    /// A disk and its class as they were in the cluster ever since, written for the endpoint.
    async fn via_endpoint(story: &Story) -> Vec<Value> {
        let class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": { "name": CLASS },
            "provisioner": "kubernetes.io/aws-ebs",
            "parameters": { "type": "gp2", "fsType": "xfs" },
            "allowVolumeExpansion": true,
            "volumeBindingMode": "WaitForFirstConsumer",
        });
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": { "name": "endpoint-data" },
            "spec": {
                "awsElasticBlockStore": { "volumeID": ebs::GROWING, "fsType": "xfs" },
                "accessModes": ["ReadWriteOnce"],
                "capacity": { "storage": "1Gi" },
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": CLASS,
                "claimRef": { "namespace": story.namespace(), "name": "data" },
            },
        });
        let directory = tempfile::tempdir().unwrap();
        let legacy = directory.path().join("legacy.json");
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [class, volume] });
        std::fs::write(&legacy, list.to_string()).unwrap();
        let translated = directory.path().join("endpoint.json");
        let translate = Tool::flex2csi()
            .unwrap()
            .arguments(["translate", "--via-endpoint", "-f"]);
        let ended = translate.arguments([&legacy]).run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        std::fs::write(&translated, ended.stdout).unwrap();
        let objects = objects_in(&translated);
        let kept = |object: &Value| object.to_string().contains("flex2csi.io/source");
        assert!(objects.iter().all(kept), "{objects:?}");
        objects
    }

    /// Deletes a claim, whose volume goes with it.
    async fn give_back(story: &Story, claim: &str, volume: &str) {
        let delete = ["delete", "pvc", "-n", story.namespace(), claim];
        story.lab.kubectl(delete).await.unwrap();
        story
            .until("its volume is deleted", async || {
                let get = ["get", "pv", "--ignore-not-found", "-o", "name", volume];
                story.lab.kubectl(get).await.unwrap().is_empty()
            })
            .await;
    }

    fn claim(name: &str) -> Value {
        crate::legacy::claim(name, CLASS)
    }

    /// The endpoint's socket in one of the controller's pods, as it is opened from here.
    async fn controller_socket(story: &Story) -> PathBuf {
        let labels = "app.kubernetes.io/component=controller";
        let arguments = ["get", "pods", "-n", NAMESPACE, "-l", labels, "-o", "json"];
        let pods = story.lab.kubectl(arguments).await.unwrap();
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let pod = &pods["items"][0];
        let uid = pod["metadata"]["uid"].as_str().unwrap();
        let node = story.lab.node(pod["spec"]["nodeName"].as_str().unwrap());
        let volumes = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir");
        node.path(&format!("{volumes}/csi/endpoint.sock"))
    }
}
