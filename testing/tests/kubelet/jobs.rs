//! What else the rewrite's Job of `deploy/` can be: several pods that share the work, and
//! one that keeps new pods away meanwhile.

mod tier_3 {
    use std::sync::Arc;

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::{Backend, Pod, Story};
    use k8s_openapi::api::core::v1::Pod as PodObject;
    use kube::Api;
    use kube::api::PostParams;
    use serde_json::Value;

    use crate::denied::nothing_was_denied;
    use crate::job;
    use crate::legacy;
    use crate::operator::{flex2csi, planned};

    const SHARES: usize = 4;

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn an_indexed_job_shares_the_work_and_a_fenced_one_keeps_pods_away() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        in_shares(&Story::begin(lab.clone(), "shared-out").await).await;
        behind_a_fence(&Story::begin(lab.clone(), "fenced").await).await;
        nothing_was_denied(&lab, &["flex2csi-rewrite"]);
    }

    async fn in_shares(story: &Story) {
        let claims: Vec<String> = (0..3 * SHARES)
            .map(|index| format!("part-{index}"))
            .collect();
        let mut volumes = volumes(story, "shared-out", &claims).await;
        applied(story, "shared-out", claims.len(), "indexed-rewrite").await;
        job::begun(story).await;
        let said = job::done(story, SHARES).await;

        // Each object is somebody's, and nobody else's.
        volumes.push("shared-out".to_owned());
        for volume in &volumes {
            let line = format!(" {volume}: rewritten");
            let is_named = |said: &&String| said.contains(&line);
            assert_eq!(
                said.iter().filter(is_named).count(),
                1,
                "{volume}: {said:#?}"
            );
        }
        for claim in &claims {
            assert_rewritten(story, claim).await;
        }
    }

    async fn behind_a_fence(story: &Story) {
        let claims = ["kept", "other"].map(str::to_owned);
        let [fenced, other] = [&claims[0], &claims[1]];
        volumes(story, "fenced", &claims[..1]).await;
        volumes(story, "not-fenced", &claims[1..]).await;
        let pod = Pod::new("before").claim(fenced, "/data");
        let pod = story.run(&pod).await;
        pod.exec("echo kept >/data/file; sync").await;
        pod.delete().await;
        applied(story, "fenced", 2, "fence").await;
        job::begun(story).await;
        story
            .until("the Job has a pod", async || {
                let pods = ["get", "pods", "-n", job::NAMESPACE, "-o", "json"];
                let pods = story.lab.kubectl(pods).await.unwrap();
                let pods: Value = serde_json::from_str(&pods).unwrap();
                let mut pods = pods["items"].as_array().unwrap().iter();
                pods.any(|pod| {
                    pod["spec"]["nodeName"].is_string() && pod["status"]["phase"] != "Succeeded"
                })
            })
            .await;

        // Nobody binds the claim, so the rewrite is half way until somebody does.
        let controllers = story.lab.cluster.controllers();
        controllers.kill().await;
        let mut said = String::new();
        story
            .until("a pod is turned away", async || {
                said = tried(story, fenced).await.err().unwrap_or_default();
                !said.is_empty()
            })
            .await;
        assert!(said.contains("is being rewritten by flex2csi"), "{said}");
        assert!(said.contains(&format!("claim {fenced}")), "{said}");
        tried(story, other).await.unwrap();
        controllers.start_again().await.unwrap();

        job::done(story, 1).await;
        assert_rewritten(story, fenced).await;
        let kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings,claimfences";
        let left = story
            .lab
            .kubectl(["get", kinds, "-A", "-o", "name"])
            .await
            .unwrap();
        assert!(!left.contains("flex2csi-fence"), "{left}");
        let pod = story.run(&Pod::new("after").claim(fenced, "/data")).await;
        assert_eq!(pod.exec("cat /data/file").await, "kept\n");
        pod.delete().await;
    }

    /// Whether a pod with a claim would be taken, as a dry run.
    async fn tried(story: &Story, claim: &str) -> Result<(), String> {
        let pods: Api<PodObject> = story.api();
        let pod = Pod::new("tried").claim(claim, "/data");
        let pod = serde_json::from_value(pod.object().clone()).unwrap();
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let tried = pods.create(&parameters, &pod).await;
        tried.map(drop).map_err(|error| error.to_string())
    }

    /// A legacy class, and volumes of it; gives their names.
    async fn volumes(story: &Story, class: &str, claims: &[String]) -> Vec<String> {
        let class = legacy::class(class, "ext4");
        story.apply([class.clone()]).await;
        let mut names = Vec::new();
        for claim in claims {
            let handle = story.provisioned(Backend::Disks, claim).await;
            names.push(legacy::volume(story, &class, claim, &handle).await);
        }
        names
    }

    /// Applies the Job, with a component, for all of a class.
    async fn applied(story: &Story, class: &str, ready: usize, component: &str) {
        planned(story, ready, "ready").await;
        let directory = tempfile::tempdir().unwrap();
        let plan = directory.path().join("plan.yaml");
        let plan = plan.to_str().unwrap();
        flex2csi(
            &story.lab,
            &["plan", "--storage-class", class, "--out", plan],
        )
        .await;
        job::applied(story, plan, &[component]).await;
    }

    async fn assert_rewritten(story: &Story, claim: &str) {
        let claim = story.object(&["persistentvolumeclaim", claim]).await;
        assert_eq!(claim["status"]["phase"], "Bound", "{claim}");
        let name = claim["spec"]["volumeName"].as_str().unwrap();
        let volume = story.object(&["persistentvolume", name]).await;
        assert!(volume["spec"]["csi"].is_object(), "{volume}");
    }
}
