use std::collections::HashMap;

use flex2csi_translators::plan::{PodPhase, PodUse, Workload, WorkloadFacts};
use serde::Deserialize;

use super::Pods;
use super::pods::Maker;
use crate::digest::Key;
use crate::objects::metadata::{Metadata, Named};

/// What makes the pods that use legacy volumes.
#[derive(Debug, Default)]
pub struct Workloads {
    by_uid: HashMap<Key, Record>,
    /// By the kind, namespace and name of what they scale.
    autoscalers: HashMap<Key, String>,
}

/// What is remembered of a workload.
#[derive(Debug)]
struct Record {
    kind: &'static str,
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    controller: Option<Maker>,
    gitops: Option<Box<str>>,
    deletes_claims: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Read {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    persistent_volume_claim_retention_policy: Option<RetentionPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RetentionPolicy {
    when_scaled: String,
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Autoscaler {
    metadata: Metadata,
    spec: AutoscalerSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AutoscalerSpec {
    scale_target_ref: Target,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: String,
    name: String,
}

impl Workloads {
    /// Takes note of a workload, JSON, if it may matter: it makes one of the pods, or
    /// what makes them.
    pub fn add(&mut self, kind: &'static str, json: &str, pods: &Pods) {
        // Deployments are read before the ReplicaSets that stand between.
        let matters = |uid: &str| kind == "Deployment" || pods.is_maker(Key::of(&[uid]));
        let named: Named = serde_json::from_str(json).unwrap_or_default();
        if !matters(&named.metadata.uid) {
            return;
        }
        // One that cannot be read is one of which nothing is known.
        let Ok(read) = serde_json::from_str::<Read>(json) else {
            return;
        };
        let metadata = read.metadata;
        let controller = metadata.controller().map(|owner| Maker {
            kind: owner.kind.as_str().into(),
            name: owner.name.as_str().into(),
            uid: Key::of(&[&owner.uid]),
        });
        let gitops = metadata.ownership().gitops;
        let policy = read.spec.persistent_volume_claim_retention_policy;
        let record = Record {
            kind,
            controller,
            gitops: gitops.map(Into::into),
            deletes_claims: policy.is_some_and(|policy| policy.when_scaled == "Delete"),
            namespace: metadata.namespace.into(),
            name: metadata.name.into(),
            uid: metadata.uid.as_str().into(),
        };
        self.by_uid.insert(Key::of(&[&metadata.uid]), record);
    }

    /// Takes note of an autoscaler.
    pub fn add_autoscaler(&mut self, autoscaler: &Autoscaler) {
        let metadata = &autoscaler.metadata;
        let target = &autoscaler.spec.scale_target_ref;
        let mut name = format!("HorizontalPodAutoscaler {}", metadata.name);
        if let Some(owner) = metadata.controller() {
            name += &format!(" of {} {}", owner.kind, owner.name);
        }
        let key = Key::of(&[&target.kind, &metadata.namespace, &target.name]);
        self.autoscalers.insert(key, name);
    }

    /// What makes a pod, as it is to be stopped.
    pub fn of(&self, pod: &PodUse, maker: Option<&Maker>) -> Workload {
        let namespace = &pod.namespace;
        let Some(maker) = maker else {
            let bare = WorkloadFacts {
                kind: "Pod".to_owned(),
                namespace: namespace.clone(),
                name: pod.pod.clone(),
                uid: pod.uid.clone(),
                ..WorkloadFacts::default()
            };
            return bare.judge();
        };
        // A StatefulSet replaces those that ended; all others leave them.
        if pod.phase == PodPhase::Ended && &*maker.kind != "StatefulSet" {
            let why = "it has ended, and keeps its volumes until it is deleted";
            return Workload::unknown("Pod", namespace, &pod.pod, why);
        }
        let Some(record) = self.top(maker) else {
            let facts = WorkloadFacts {
                kind: maker.kind.to_string(),
                namespace: namespace.clone(),
                name: maker.name.to_string(),
                ..WorkloadFacts::default()
            };
            let judged = facts.judge();
            // What can be stopped otherwise was not listed, or is gone.
            return match judged.why.starts_with("how a ") {
                true => judged,
                false => {
                    Workload::unknown(&judged.kind, namespace, &judged.name, "it was not found")
                }
            };
        };
        let controller = record.controller.as_ref();
        let scaled = Key::of(&[record.kind, &record.namespace, &record.name]);
        WorkloadFacts {
            kind: record.kind.to_owned(),
            namespace: record.namespace.to_string(),
            name: record.name.to_string(),
            uid: record.uid.to_string(),
            controller: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
            gitops: record.gitops.as_deref().map(str::to_owned),
            autoscaler: self.autoscalers.get(&scaled).cloned(),
            deletes_claims: record.deletes_claims,
        }
        .judge()
    }

    /// What is scaled to have or not to have a pod: a ReplicaSet's Deployment.
    fn top(&self, maker: &Maker) -> Option<&Record> {
        let record = self.by_uid.get(&maker.uid)?;
        match &record.controller {
            Some(owner) if record.kind == "ReplicaSet" && &*owner.kind == "Deployment" => {
                self.by_uid.get(&owner.uid)
            }
            _ => Some(record),
        }
    }
}
