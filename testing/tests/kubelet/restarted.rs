//! A StatefulSet on volumes of a legacy class, which the Job of `deploy/` restarts.

mod tier_3 {
    use flex2csi_testing::lab::{Backend, Pod, Story};
    use flex2csi_testing::overlaid::overlaid;
    use flex2csi_testing::provisioner::Provisioner;
    use serde_json::{Value, json};

    use crate::legacy::{self, PROVISIONER};
    use crate::operator::{flex2csi, object, planned};

    const CLASS: &str = "legacy-disks";
    const REPLICAS: usize = 3;
    const JOB: &str = "job/flex2csi-rewrite";
    const JOB_NAMESPACE: &str = "flex2csi-rewrite";

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn a_statefulsets_volumes_are_rewritten_by_the_job_and_brought_back() {
        let story = Story::of_shim("restarted").await;
        let lab = &story.lab;
        let class = legacy::class(CLASS, "ext4");
        story.apply([class.clone()]).await;
        let mut handles = Vec::new();
        for index in 0..REPLICAS {
            let claim = format!("data-web-{index}");
            let handle = story.provisioned(Backend::Disks, &claim).await;
            legacy::volume(&story, &class, &claim, &handle).await;
            handles.push(handle);
        }
        story.apply([set()]).await;
        ready(&story).await;
        for index in 0..REPLICAS {
            let pod = story.pod(&format!("web-{index}")).await;
            pod.exec("hostname >/data/name; sync").await;
        }
        let before = claims(&story).await;

        // Reviewed by whoever looks at the file, and carried out by the Job.
        planned(&story, REPLICAS, "in-use").await;
        let directory = tempfile::tempdir().unwrap();
        let plan = directory.path().join("plan.yaml");
        let plan = plan.to_str().unwrap();
        flex2csi(lab, &["plan", "--storage-class", CLASS, "--out", plan]).await;
        rewrite(&story, plan).await;
        ready(&story).await;
        hold_what_they_held(&story, &before).await;
        assert_eq!(forms(&story).await, ["csi"; REPLICAS]);
        let class = object(lab, &["storageclass", CLASS]).await;
        assert_eq!(class["provisioner"], Backend::Disks.provisioner());

        // What the set gets from now on is made for CSI.
        let (provisioner, driver) = (Backend::Disks.provisioner(), Backend::Disks.csi_driver());
        let socket = Backend::Disks.socket(lab);
        let _provisioner = Provisioner::start(&lab.cluster, provisioner, driver, &socket).unwrap();
        scale(&story, REPLICAS + 1).await;
        ready(&story).await;
        let added = format!("web-{REPLICAS}");
        let write = "echo new >/data/file; sync; stat -c %g /data/file";
        let group = story.pod(&added).await.exec(write).await;
        assert_eq!(group.trim(), "2345");
        let added = format!("data-{added}");
        let volume = volume_of(&story, &added).await;
        assert_eq!(volume["spec"]["csi"]["driver"], driver);
        assert_eq!(
            volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"],
            provisioner
        );
        hold_what_they_held(&story, &before).await;

        // And back, once nobody uses them.
        scale(&story, 0).await;
        idle(&story, &handles).await;
        flex2csi(lab, &["rollback", "--storage-class", CLASS, "--yes"]).await;
        assert_eq!(forms(&story).await, ["flexVolume"; REPLICAS]);
        let class = object(lab, &["storageclass", CLASS]).await;
        assert_eq!(class["provisioner"], PROVISIONER);
        // What was made meanwhile has no other form.
        assert_eq!(volume_of(&story, &added).await["spec"], volume["spec"]);
        scale(&story, REPLICAS).await;
        ready(&story).await;
        hold_what_they_held(&story, &before).await;
        scale(&story, 0).await;
        idle(&story, &handles).await;
    }

    /// Its pods have a group, to which kubelet would give the files of a CSI volume: so
    /// they cannot go on meanwhile.
    fn set() -> Value {
        let pod = Pod::new("web").fs_group(2345).edit(|pod| {
            let mounts = json!([{ "name": "data", "mountPath": "/data" }]);
            pod["spec"]["containers"][0]["volumeMounts"] = mounts;
            pod["spec"]["restartPolicy"] = json!("Always");
        });
        let mut template = legacy::claim("data", CLASS);
        template["metadata"] = json!({ "name": "data" });
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": { "name": "web", "namespace": "" },
            "spec": {
                "serviceName": "web",
                "replicas": REPLICAS,
                "selector": { "matchLabels": { "app": "web" } },
                "template": { "metadata": { "labels": { "app": "web" } }, "spec": pod.object()["spec"] },
                "volumeClaimTemplates": [template],
            },
        })
    }

    /// Runs the Job of `deploy/`, with the component that lets it restart workloads.
    async fn rewrite(story: &Story, plan: &str) {
        let lab = &story.lab;
        let in_job = |arguments: &[&str]| -> Vec<String> {
            let all = ["-n", JOB_NAMESPACE].iter().chain(arguments);
            all.map(|&argument| argument.to_owned()).collect()
        };
        let from = format!("--from-file=plan.yaml={plan}");
        let create = in_job(&["create", "configmap", "flex2csi-plan", &from]);
        lab.kubectl(create).await.unwrap();
        lab.kubectl(in_job(&["delete", JOB])).await.unwrap();
        let site = overlaid("test-hostpath", &["restart"]).unwrap();
        let site = site.path().to_str().unwrap();
        lab.kubectl(["apply", "--server-side", "-k", site])
            .await
            .unwrap();
        let begin = in_job(&["patch", JOB, "-p", r#"{"spec": {"suspend": false}}"#]);
        lab.kubectl(begin).await.unwrap();
        let mut job = Value::Null;
        story
            .until("the Job has ended", async || {
                job = object(lab, &["-n", JOB_NAMESPACE, JOB]).await;
                let conditions = job["status"]["conditions"].as_array();
                conditions.into_iter().flatten().any(|condition| {
                    condition["type"] == "Complete" || condition["type"] == "Failed"
                })
            })
            .await;
        let log = lab.kubectl(in_job(&["logs", JOB])).await.unwrap();
        assert_eq!(job["status"]["succeeded"], 1, "{log}");
    }

    async fn ready(story: &Story) {
        let rolled_out = story.lab.rolled_out(story.namespace(), "statefulset/web");
        rolled_out.await.unwrap();
    }

    async fn scale(story: &Story, replicas: usize) {
        let replicas = format!("--replicas={replicas}");
        let scale = [
            "scale",
            "-n",
            story.namespace(),
            "statefulset/web",
            &replicas,
        ];
        story.lab.kubectl(scale).await.unwrap();
    }

    /// Attachments name the handle of a legacy volume, and the PersistentVolume of others.
    async fn idle(story: &Story, handles: &[String]) {
        for (index, handle) in handles.iter().enumerate() {
            story.nothing_left_of(handle).await;
            story
                .nothing_left_of(&format!("pvc-data-web-{index}"))
                .await;
        }
    }

    async fn claims(story: &Story) -> Vec<Value> {
        let mut all = Vec::new();
        for index in 0..REPLICAS {
            let name = format!("data-web-{index}");
            all.push(story.object(&["persistentvolumeclaim", &name]).await);
        }
        all
    }

    async fn volume_of(story: &Story, claim: &str) -> Value {
        let claim = story.object(&["persistentvolumeclaim", claim]).await;
        let volume = claim["spec"]["volumeName"].as_str().unwrap();
        story.object(&["persistentvolume", volume]).await
    }

    async fn forms(story: &Story) -> Vec<&'static str> {
        let mut all = Vec::new();
        for claim in claims(story).await {
            let volume = volume_of(story, claim["metadata"]["name"].as_str().unwrap()).await;
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
            let forms = ["csi", "flexVolume"].into_iter();
            all.extend(forms.filter(|&form| volume["spec"][form].is_object()));
        }
        all
    }

    /// The same claims, with what was in them.
    async fn hold_what_they_held(story: &Story, before: &[Value]) {
        for (index, (claim, before)) in claims(story).await.iter().zip(before).enumerate() {
            assert_eq!(claim["metadata"]["uid"], before["metadata"]["uid"]);
            assert_eq!(claim["spec"], before["spec"]);
            assert_eq!(claim["status"]["phase"], "Bound");
            let name = format!("web-{index}");
            let pod = story.pod(&name).await;
            assert_eq!(pod.exec("cat /data/name").await.trim(), name);
        }
    }
}
