//! Policies and webhooks of a site that turn away what a rewrite writes, before it has begun
//! and half-way.

use std::time::Duration;

use flex2csi_testing::api;
use flex2csi_testing::fleet::Expect;
use flex2csi_testing::rewriter::Rewriter;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{check, ended, put, remove, run, run_with, site, until};

/// The volume with which it is tried whether a policy is in force; it is never made.
const PROBE: &str = "probe";

/// What the storage team wants.
struct Wanted {
    name: &'static str,
    operation: &'static str,
    /// What has to be true of a PersistentVolume, in CEL.
    expression: String,
}

impl Wanted {
    /// As a ValidatingAdmissionPolicy.
    fn objects(&self) -> [Value; 2] {
        let Self {
            name,
            operation,
            expression,
        } = self;
        [
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name},
                "spec": {"policyName": name, "validationActions": ["Deny"]},
            }),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name},
                "spec": {
                    "failurePolicy": "Fail",
                    "matchConstraints": {"resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"], "operations": [operation],
                        "resources": ["persistentvolumes"],
                    }]},
                    "validations": [{
                        "expression": expression,
                        "message": format!("{name}: ask the storage team"),
                    }],
                },
            }),
        ]
    }

    /// Puts it up, and waits until the API server goes by it.
    async fn put_up(&self, site: &Rewriter) {
        put(&site.cluster, &self.objects()).await;
        let volumes = api::volumes(&site.cluster.client().unwrap());
        let one = site.fleet.members.keys().next().unwrap();
        for _ in 0..240 {
            let tried = match self.operation {
                "CREATE" => {
                    let parameters = PostParams {
                        dry_run: true,
                        ..PostParams::default()
                    };
                    volumes.create(&parameters, &probe()).await
                }
                _ => {
                    let parameters = PatchParams {
                        dry_run: true,
                        ..PatchParams::default()
                    };
                    // As the rewrite writes it first.
                    let mark =
                        json!({"metadata": {"annotations": {"flex2csi.io/rewriting": PROBE}}});
                    volumes.patch(one, &parameters, &Patch::Merge(mark)).await
                }
            };
            if tried.is_err_and(|error| error.to_string().contains(self.name)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("{} is never in force", self.name);
    }

    async fn take_down(&self, site: &Rewriter) {
        remove(&site.cluster, &self.objects()).await;
    }
}

fn probe() -> kube::api::DynamicObject {
    let probe = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": PROBE},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "csi": {"driver": "probe.example.com", "volumeHandle": PROBE},
        },
    });
    serde_json::from_value(probe).unwrap()
}

/// Nobody writes the mark of a rewrite.
fn unmarked() -> Wanted {
    let mark = "'flex2csi.io/rewriting' in";
    let has = |object: &str| {
        format!("(has({object}.metadata.annotations) && {mark} {object}.metadata.annotations)")
    };
    Wanted {
        name: "volumes-are-not-marked",
        operation: "UPDATE",
        expression: format!("!{} || {}", has("object"), has("oldObject")),
    }
}

/// A new CSI volume is good until it is really made.
fn no_csi() -> Wanted {
    let dry_run = "has(request.dryRun) && request.dryRun";
    Wanted {
        name: "csi-needs-consent",
        operation: "CREATE",
        expression: format!(
            "!has(object.spec.csi) || ({dry_run} && object.metadata.name != '{PROBE}')"
        ),
    }
}

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn what_a_policy_turns_away_is_named_and_goes_on_once_it_is_let() {
    let site = site(12).await;
    site.cluster.install_definitions().await.unwrap();
    let witness = site.fleet.watch_with_journal(&site.cluster).await.unwrap();

    // The first patch: nothing was touched.
    let policy = unmarked();
    policy.put_up(&site).await;
    let says = [
        "the API server refuses patch PersistentVolume",
        "ValidatingAdmissionPolicy 'volumes-are-not-marked'",
        "ask the storage team",
        "let the webhook or policy that is named allow it, then go on or roll back",
    ];
    ended(&run(&site, "rewrite").await, 1, &says);
    check(&site, Expect::Originals).await;
    assert_eq!(witness.so_far().await.unwrap().replaced, 0);
    policy.take_down(&site).await;

    // The new volume, when the old one is gone.
    let policy = no_csi();
    policy.put_up(&site).await;
    let says = [
        "the API server refuses create PersistentVolume",
        "ValidatingAdmissionPolicy 'csi-needs-consent'",
        "let the webhook or policy",
    ];
    let refused = until(&site, "rewrite", |ended| {
        !ended.stderr.contains("not-marked")
    })
    .await;
    ended(&refused, 1, &says);
    let volumes = api::volumes(&site.cluster.client().unwrap());
    let there = volumes.list(&Default::default()).await.unwrap().items.len();
    let gone = site.fleet.members.len() - there;
    assert!(gone > 0);
    let named = |name: &&String| {
        refused
            .stderr
            .contains(&format!("create PersistentVolume {name}:"))
    };
    assert_eq!(
        site.fleet.members.keys().filter(named).count(),
        gone,
        "{}",
        refused.stderr
    );
    let status = site.tool("status", None).unwrap().run().await.unwrap();
    ended(&status, 1, &["stopped", "csi-needs-consent"]);
    // Originals are no CSI volumes: the way back is open.
    ended(&run(&site, "rollback").await, 0, &[]);
    check(&site, Expect::Originals).await;
    ended(&run(&site, "rewrite").await, 1, &says);
    policy.take_down(&site).await;
    until(&site, "rewrite", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Translated).await;

    // The same on the way back.
    let policy = unmarked();
    policy.put_up(&site).await;
    let replaced = witness.so_far().await.unwrap().replaced;
    let says = ["refuses patch PersistentVolume", policy.name];
    ended(&run(&site, "rollback").await, 1, &says);
    assert_eq!(witness.so_far().await.unwrap().replaced, replaced);
    policy.take_down(&site).await;
    until(&site, "rollback", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Originals).await;
    witness.so_far().await.unwrap();
}

/// Whose server is down: nothing listens on the port that only root may have.
fn webhook() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "volumes"},
        "webhooks": [{
            "name": "volumes.storage.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": {"url": "https://127.0.0.1:9/volumes"},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["persistentvolumes"],
            }],
        }],
    })
}

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn a_webhook_that_does_not_answer_is_heard_of_before_anything_is_deleted() {
    let site = site(12).await;
    site.cluster.install_definitions().await.unwrap();
    let witness = site.fleet.watch_with_journal(&site.cluster).await.unwrap();
    put(&site.cluster, &[webhook()]).await;
    let down = "failed calling webhook \"volumes.storage.example.com\"";
    let plan = site.tool("plan", None).unwrap();
    let plan = plan.arguments(["--without-node-evidence", "-o", "wide"]);
    let mut planned = plan.run().await.unwrap();
    while !planned.stdout.contains("dry-run-refused") {
        ended(&planned, 0, &[]);
        tokio::time::sleep(Duration::from_millis(500)).await;
        planned = plan.run().await.unwrap();
    }
    ended(&planned, 0, &["failed calling webhook"]);
    let unseen = ["--no-server-dry-run"];
    let says = [
        "refuses create (only checked) PersistentVolume",
        down,
        "see that the webhook that is named answers",
    ];
    ended(&run_with(&site, "rewrite", &unseen).await, 1, &says);
    assert_eq!(witness.so_far().await.unwrap().replaced, 0);
    let status = site.tool("status", None).unwrap();
    let status = status.arguments(["-o", "json"]).run().await.unwrap();
    ended(&status, 1, &["Stopped", "failed calling webhook"]);
    remove(&site.cluster, &[webhook()]).await;
    until(&site, "rewrite", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Translated).await;
    witness.so_far().await.unwrap();
}
