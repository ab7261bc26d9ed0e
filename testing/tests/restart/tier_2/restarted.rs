//! `--restart`

use flex2csi::drive::RESTART_STEPS;
use flex2csi_testing::applied::applied;
use flex2csi_testing::{process, rights};
use serde_json::json;

use super::site::{Site, api, comes, ended, pod_spec};

/// What has replicas and is in no Deployment.
const COPIES: [(&str, &str, &str); 2] = [
    ("apps/v1", "ReplicaSet", "copies"),
    ("v1", "ReplicationController", "older"),
];

const REWRITE: [&str; 3] = ["rewrite", "--yes", "--restart"];

/// A StatefulSet goes down and comes back in its order; its neighbours are not touched
/// unless they share a volume with it.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn workloads_are_stopped_their_volumes_rewritten_and_put_back() {
    let site = Site::new().await;
    site.stateful_set("shop", 3, json!({})).await;
    site.claim("web", "shared").await;
    site.deployment("web", "one", "shared", 2).await;
    site.deployment("web", "two", "shared", 1).await;
    site.is_mounted("web-shared").await;
    let claim = ["v1", "PersistentVolumeClaim", "shop", "data-db-1"];
    let before = site.get(claim[0], claim[1], claim[2], claim[3]).await;

    let shown = site.done(&["rewrite", "--all", "--restart"]).await;
    assert!(
        shown.contains("With --yes StatefulSet shop/db is stopped"),
        "{shown}"
    );
    site.assert_all("shop", "legacy").await;

    let plan = site.cluster.directory().join("plan.yaml");
    let plan = plan.to_str().unwrap();
    site.done(&["plan", "--out", plan]).await;
    let said = site
        .done(&["rewrite", "--yes", "--restart", "--plan", plan])
        .await;
    println!("{said}");
    assert!(
        said.contains("Deployment web/one, Deployment web/two is put back"),
        "{said}"
    );
    for namespace in ["shop", "web"] {
        site.assert_all(namespace, "csi").await;
    }
    site.assert_as_it_was("StatefulSet", "shop", "db", 3).await;
    site.assert_as_it_was("Deployment", "web", "one", 2).await;
    site.assert_as_it_was("Deployment", "web", "two", 1).await;
    // It said so only when they were ready.
    let set = site.get("apps/v1", "StatefulSet", "shop", "db").await;
    assert_eq!(set["status"]["readyReplicas"], 3);
    let after = site.get(claim[0], claim[1], claim[2], claim[3]).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["status"]["phase"], "Bound");
    site.kubelet.assert_undisturbed();
    rights::prove(&site.cluster, "restart::stopped", &["get secrets"]).await;
}

/// Wherever it is killed, the next run puts the replicas back, and goes on.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn replicas_are_put_back_whatever_it_dies_at() {
    let site = Site::new().await;
    let (adopting, mut stopping): (Vec<&str>, Vec<&str>) = RESTART_STEPS
        .iter()
        .partition(|step| step.contains("adopt"));
    // In the middle of a volume as well.
    stopping.extend(["mark.after", "delete.after", "create.before"]);
    let namespace = |step: &str| step.replace('.', "-");
    for step in &stopping {
        site.stateful_set(&namespace(step), 1, json!({})).await;
    }
    // All at once: nobody's are left stopped yet for another to take over.
    let mut runs = Vec::new();
    for step in &stopping {
        let name = namespace(step);
        let args = [&REWRITE[..], &["-n", &name]].concat();
        runs.push((*step, site.command(&args, step).spawn().unwrap()));
    }
    for (step, run) in runs {
        let (code, said) = ended(&run.wait_with_output().await.unwrap());
        assert_eq!(code, None, "{step}: {said}");
    }
    let said = site.done(&["status"]).await;
    for step in &stopping {
        let name = namespace(step);
        let set = site.get("apps/v1", "StatefulSet", &name, "db").await;
        let is_stopped = !matches!(*step, "restart.stop.before" | "restart.back.after");
        assert_eq!(set["spec"]["replicas"] == 0, is_stopped, "{step}");
        let hint = format!("kubectl -n {name} scale statefulset db --replicas=1");
        assert_eq!(said.contains(&hint), is_stopped, "{step}: {said}");
    }
    for step in adopting {
        site.killed(&["rewrite", "--yes", "-n", "elsewhere"], step)
            .await;
    }

    // One without --restart puts back all of them, after the volumes that are idle now.
    let said = site.done(&["rewrite", "--yes", "--all"]).await;
    println!("{said}");
    for step in &stopping {
        let name = namespace(step);
        site.assert_as_it_was("StatefulSet", &name, "db", 1).await;
        site.comes_up("StatefulSet", &name, "db", 1).await;
        let form = if *step == "restart.stop.before" {
            "legacy"
        } else {
            "csi"
        };
        site.assert_all(&name, form).await;
    }
    site.done(&[&REWRITE[..], &["--all"]].concat()).await;
    site.assert_all("restart-stop-before", "csi").await;
    let said = site.done(&["status"]).await;
    assert!(!said.contains("is stopped for a restart"), "{said}");
    site.kubelet.assert_undisturbed();
}

/// What would not come back as it was is not stopped, whatever is said; what others have
/// a say in only if it is said.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn what_may_not_be_stopped_is_named_and_left() {
    let site = Site::new().await;
    let deletes = json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"}});
    site.stateful_set("deletes", 1, deletes).await;
    site.claim("bare", "data").await;
    site.pod("bare", "bare", "data").await;
    site.claim("scaled", "data").await;
    site.deployment("scaled", "web", "data", 1).await;
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": "scaled", "name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 2,
        },
    });
    applied(&site.cluster, [autoscaler]).await.unwrap();
    let claims = api(&site.client, "v1", "PersistentVolumeClaim", Some("deletes"));
    let uid = claims.get("data-db-0").await.unwrap().metadata.uid;

    let (code, said) = site.run(&[&REWRITE[..], &["--all"]].concat()).await;
    assert_eq!(code, Some(1), "{said}");
    for why in [
        "StatefulSet deletes/db: scaled down, it would delete its claims",
        "Pod bare/bare: nothing would make it again",
        "Deployment scaled/web: HorizontalPodAutoscaler web sets its replicas; give --restart-managed",
    ] {
        assert!(said.contains(why), "{why}: {said}");
    }
    for namespace in ["deletes", "bare", "scaled"] {
        site.assert_all(namespace, "legacy").await;
    }
    let (code, said) = site
        .run(&[&REWRITE[..], &["--all", "--restart-managed"]].concat())
        .await;
    assert_eq!(code, Some(1), "{said}");
    site.assert_all("scaled", "csi").await;
    site.assert_as_it_was("Deployment", "scaled", "web", 1)
        .await;
    site.assert_all("deletes", "legacy").await;
    site.assert_as_it_was("StatefulSet", "deletes", "db", 1)
        .await;
    assert_eq!(claims.get("data-db-0").await.unwrap().metadata.uid, uid);
    site.kubelet.assert_undisturbed();
}

/// An operator that starts its workload again is not fought.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn who_starts_a_workload_again_wins() {
    let site = Site::new().await;
    site.stateful_set("shop", 1, json!({})).await;
    let sets = api(&site.client, "apps/v1", "StatefulSet", Some("shop"));
    let args = [&REWRITE[..], &["-n", "shop"]].concat();
    let run = site.command(&args, "").spawn().unwrap();
    comes("it is stopped", async || {
        sets.get("db").await.unwrap().data["spec"]["replicas"] == 0
    })
    .await;
    site.patch(
        "apps/v1",
        "StatefulSet",
        "shop",
        "db",
        json!({"spec": {"replicas": 1}}),
    )
    .await;
    let (code, said) = ended(&run.wait_with_output().await.unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("StatefulSet shop/db was started again by somebody else"),
        "{said}"
    );
    site.assert_as_it_was("StatefulSet", "shop", "db", 1).await;
    site.assert_all("shop", "legacy").await;
    site.kubelet.assert_undisturbed();
}

/// What makes pods by itself is stopped as Deployments are; where it is told, DaemonSets
/// and Jobs are stopped too, each in its own way.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn what_is_told_is_stopped_in_its_own_way() {
    let site = Site::new().await;
    site.claim("agents", "data").await;
    site.claim("work", "data").await;
    let labels = json!({"app": "one"});
    let daemon_set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"namespace": "agents", "name": "one"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(Some("data"))},
        },
    });
    let mut job_spec = pod_spec(Some("data"));
    job_spec["restartPolicy"] = "Never".into();
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"namespace": "work", "name": "one"},
        "spec": {"template": {"spec": job_spec}},
    });
    applied(&site.cluster, [daemon_set, job]).await.unwrap();
    for (version, kind, namespace) in COPIES {
        site.claim(namespace, "data").await;
        let template = json!({"metadata": {"labels": labels}, "spec": pod_spec(Some("data"))});
        let selector = match kind {
            "ReplicaSet" => json!({"matchLabels": labels}),
            _ => labels.clone(),
        };
        let object = json!({
            "apiVersion": version, "kind": kind,
            "metadata": {"namespace": namespace, "name": "one"},
            "spec": {"replicas": 1, "selector": selector, "template": template},
        });
        applied(&site.cluster, [object]).await.unwrap();
    }
    for namespace in ["agents", "work", "copies", "older"] {
        site.is_mounted(&format!("{namespace}-data")).await;
    }
    let before = site.get("apps/v1", "DaemonSet", "agents", "one").await;
    let (code, said) = site.run(&[&REWRITE[..], &["--all"]].concat()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("DaemonSet agents/one: it is stopped by a node selector"),
        "{said}"
    );
    assert!(said.contains("Job work/one: suspended, it loses"), "{said}");
    site.done(&[&REWRITE[..], &["--all", "--restart-managed"]].concat())
        .await;
    for namespace in ["agents", "work", "copies", "older"] {
        site.assert_all(namespace, "csi").await;
    }
    for (version, kind, namespace) in COPIES {
        let found = site.get(version, kind, namespace, "one").await;
        assert_eq!(found["spec"]["replicas"], 1, "{kind}");
    }
    let after = site.get("apps/v1", "DaemonSet", "agents", "one").await;
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["status"]["numberReady"], 1);
    let job = site.get("batch/v1", "Job", "work", "one").await;
    assert_eq!(job["spec"]["suspend"], false);
    site.kubelet.assert_undisturbed();
    rights::prove(&site.cluster, "restart::told", &["get secrets"]).await;
}

/// Who interrupts it gets the replicas back at once.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn an_interrupt_puts_replicas_back() {
    let site = Site::new().await;
    site.stateful_set("shop", 1, json!({})).await;
    let sets = api(&site.client, "apps/v1", "StatefulSet", Some("shop"));
    let args = [&REWRITE[..], &["-n", "shop"]].concat();
    let run = site.command(&args, "").spawn().unwrap();
    comes("it is stopped", async || {
        sets.get("db").await.unwrap().data["spec"]["replicas"] == 0
    })
    .await;
    process::signal("INT", run.id()).unwrap();
    let (code, said) = ended(&run.wait_with_output().await.unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("StatefulSet shop/db is put back"), "{said}");
    assert!(said.contains("1 left as they are"), "{said}");
    site.assert_as_it_was("StatefulSet", "shop", "db", 1).await;
    site.assert_all("shop", "legacy").await;
}
