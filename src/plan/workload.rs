//! Workloads with inline volumes in legacy form: told of, never edited.

use flex2csi_translators::Kind;
use flex2csi_translators::kind::Workload;
use flex2csi_translators::plan::{Code, Effect, Finding, VerdictKind};

use super::candidate::{Candidate, Facts};
use super::evidence::load::{DAEMON_SETS, Listed};
use super::objects::metadata::Named;
use super::row::{ObjectId, Options, Row};
use super::translator::{Translated, Translator};

/// A kind of workloads.
#[derive(Debug, Clone, Copy)]
pub struct WorkloadKind {
    /// As in `kind`.
    pub kind: &'static str,
    /// Where its pods' specification stands.
    pub workload: Workload,
    /// Where they are listed.
    pub listed: Listed,
}

const fn kind(
    kind: &'static str,
    workload: Workload,
    what: &'static str,
    path: &'static str,
) -> WorkloadKind {
    WorkloadKind {
        kind,
        workload,
        listed: Listed { what, path },
    }
}

/// Pods, which are read for more than this.
pub const POD: WorkloadKind = kind("Pod", Workload::Pod, "Pods", "/api/v1/pods");
/// DaemonSets, which are read for more than this.
pub const DAEMON_SET: WorkloadKind = WorkloadKind {
    kind: "DaemonSet",
    workload: Workload::Template,
    listed: DAEMON_SETS,
};
/// All others.
pub const OTHERS: [WorkloadKind; 6] = [
    kind(
        "Deployment",
        Workload::Template,
        "Deployments",
        "/apis/apps/v1/deployments",
    ),
    kind(
        "StatefulSet",
        Workload::Template,
        "StatefulSets",
        "/apis/apps/v1/statefulsets",
    ),
    kind(
        "ReplicaSet",
        Workload::Template,
        "ReplicaSets",
        "/apis/apps/v1/replicasets",
    ),
    kind(
        "ReplicationController",
        Workload::Template,
        "ReplicationControllers",
        "/api/v1/replicationcontrollers",
    ),
    kind("Job", Workload::Template, "Jobs", "/apis/batch/v1/jobs"),
    kind(
        "CronJob",
        Workload::CronJob,
        "CronJobs",
        "/apis/batch/v1/cronjobs",
    ),
];

/// Sources whose inline volumes are worth a translation: others stay as they are,
/// and most workloads have none of either.
const MARKS: [&str; 14] = [
    "\"flexVolume\"",
    "\"awsElasticBlockStore\"",
    "\"azureDisk\"",
    "\"azureFile\"",
    "\"cephfs\"",
    "\"cinder\"",
    "\"gcePersistentDisk\"",
    "\"glusterfs\"",
    "\"nfs\"",
    "\"portworxVolume\"",
    "\"rbd\"",
    "\"scaleIO\"",
    "\"vsphereVolume\"",
    "\"quobyte\"",
];

/// What is to be said about a workload; nothing if it has no such volumes, or is
/// made by another one.
pub fn tell(kind: WorkloadKind, json: &str, translator: &Translator) -> Option<Candidate> {
    if !MARKS.iter().any(|mark| json.contains(mark)) {
        return None;
    }
    let Translated {
        json: changed,
        notes,
        extra,
        ..
    } = translator.stored(Kind::Workload(kind.workload), json);
    let failed = notes.iter().any(|note| note.effect == Effect::Block);
    if changed.is_none() && !failed {
        return None;
    }
    let metadata = serde_json::from_str::<Named>(json)
        .unwrap_or_default()
        .metadata;
    // A failure is that of the workload on which it stands.
    if metadata
        .owner_references
        .iter()
        .any(|owner| owner.controller)
    {
        return None;
    }
    let mut findings = notes;
    if changed.is_some() {
        let objects = if extra == 1 { "object" } else { "objects" };
        let message =
            format!("its volumes stand in it; translated, {extra} new {objects} stand beside it");
        findings.retain(|note| note.code != Code::InlineVolume.as_str());
        findings.insert(0, Finding::new(Code::InlineVolume, message));
    }
    Some(Candidate {
        row: Row {
            object: ObjectId {
                kind: kind.kind.to_owned(),
                namespace: metadata.namespace,
                name: metadata.name,
                uid: metadata.uid,
                resource_version: metadata.resource_version,
            },
            claim: None,
            from: "inline volume".to_owned(),
            to: None,
            verdict: VerdictKind::Kept,
            in_use: Default::default(),
            workloads: Vec::new(),
            findings: Vec::new(),
            options: Options::default(),
        },
        secrets: Vec::new(),
        new_secrets: Vec::new(),
        original: String::new(),
        translated: String::new(),
        facts: Facts::Told(findings),
    })
}
