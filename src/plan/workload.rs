//! Workloads with inline volumes in legacy form: told of, never edited.

use std::sync::LazyLock;

use flex2csi_translators::Kind;
use flex2csi_translators::kind::PodSpecPlace;
use flex2csi_translators::plan::{Effect, Finding, FindingCode, VerdictKind};
use flex2csi_translators::source;

use super::candidate::{Candidate, Facts};
use super::evidence::load::{DAEMON_SETS, Listed};
use super::row::{ObjectId, Options, Row};
use crate::objects::metadata::Named;
use crate::objects::translator::{Translated, Translator};

/// A kind of workloads.
#[derive(Debug, Clone, Copy)]
pub struct WorkloadKind {
    /// As in `kind`.
    pub kind: &'static str,
    /// Where its pods' specification stands.
    pub workload: PodSpecPlace,
    /// Where they are listed.
    pub listed: Listed,
}

const fn kind(
    kind: &'static str,
    workload: PodSpecPlace,
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
pub const POD: WorkloadKind = kind("Pod", PodSpecPlace::Pod, "Pods", "/api/v1/pods");
/// DaemonSets, which are read for more than this.
pub const DAEMON_SET: WorkloadKind = WorkloadKind {
    kind: "DaemonSet",
    workload: PodSpecPlace::Template,
    listed: DAEMON_SETS,
};
/// All others.
pub const OTHERS: [WorkloadKind; 6] = [
    kind(
        "Deployment",
        PodSpecPlace::Template,
        "Deployments",
        "/apis/apps/v1/deployments",
    ),
    kind(
        "StatefulSet",
        PodSpecPlace::Template,
        "StatefulSets",
        "/apis/apps/v1/statefulsets",
    ),
    kind(
        "ReplicaSet",
        PodSpecPlace::Template,
        "ReplicaSets",
        "/apis/apps/v1/replicasets",
    ),
    kind(
        "ReplicationController",
        PodSpecPlace::Template,
        "ReplicationControllers",
        "/api/v1/replicationcontrollers",
    ),
    kind("Job", PodSpecPlace::Template, "Jobs", "/apis/batch/v1/jobs"),
    kind(
        "CronJob",
        PodSpecPlace::CronJob,
        "CronJobs",
        "/apis/batch/v1/cronjobs",
    ),
];

/// What a workload's JSON has to hold to be worth a translation: most have neither of
/// these members.
static MARKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let members = source::inline_legacy();
    members.map(|member| format!("\"{member}\"")).collect()
});

/// What is to be said about a workload; nothing if it has no such volumes, or is
/// made by another one.
pub fn tell(kind: WorkloadKind, json: &str, translator: &Translator) -> Option<Candidate> {
    if !MARKS.iter().any(|mark| json.contains(mark.as_str())) {
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
        findings.retain(|note| note.code != FindingCode::InlineVolume.as_str());
        findings.insert(0, Finding::new(FindingCode::InlineVolume, message));
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

#[cfg(test)]
mod tests {
    use flex2csi_translators::Values;
    use flex2csi_translators::flex::Mappings;
    use flex2csi_translators::in_tree::stored::catalogue;
    use serde_json::json;

    use super::*;

    /// Looking for marks first leaves out nothing of which there is something to say.
    #[test]
    fn every_source_that_does_not_stay_is_told_of() {
        let values = Values::parse(r#"{"nfs": {"translate": true}}"#).unwrap();
        let translator = Translator::new(Mappings::built_in(), values);
        let members = catalogue().map(|source| source.name);
        let mut told = Vec::new();
        for member in members.chain([source::FLEX_VOLUME]) {
            let volume = json!({"name": "v", member: {"driver": "example.com/unknown", "server": "s", "path": "/p"}});
            let workload = json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"},
                "spec": {"template": {"spec": {"volumes": [volume]}}},
            });
            let json = workload.to_string();
            let deployment = OTHERS[0];
            let made = translator.stored(Kind::Workload(deployment.workload), &json);
            let failed = made.notes.iter().any(|note| note.effect == Effect::Block);
            let candidate = tell(deployment, &json, &translator);
            assert_eq!(
                candidate.is_some(),
                made.json.is_some() || failed,
                "{member}"
            );
            told.extend(candidate.map(|_| member));
        }
        for member in [
            "flexVolume",
            "nfs",
            "storageos",
            "flocker",
            "photonPersistentDisk",
        ] {
            assert!(told.contains(&member), "{told:?}");
        }
    }
}
