//! PersistentVolumes: the verdict on one.

mod claim;
mod pod;
mod usage;

pub use claim::{AttributesClass, ClaimFacts, ClaimState};
pub use pod::{PodPhase, PodUse};
pub use usage::Evidence;

use super::{
    DriverFacts, Finding, FindingCode, Mount, Ownership, Shim, TargetFacts, Verdict, VerdictKind,
    Workload,
};
use crate::rewrite::Use;

/// What was found about a PersistentVolume in legacy form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Who else has a say in it.
    pub ownership: Ownership,
    /// `status.phase`
    pub phase: Phase,
    /// Whether its reclaim policy is Delete and nobody provisioned it.
    pub static_delete: bool,
    /// Its claim.
    pub claim: ClaimState,
    /// What it becomes; `None` where the translation failed or kept it.
    pub target: Option<TargetFacts>,
    /// What the translation says.
    pub notes: Vec<Finding>,
    /// The CSI driver in the cluster.
    pub driver: DriverFacts,
    /// Vendor's controllers that act on its deletion.
    pub vendor_controllers: Vec<Finding>,
    /// DaemonSets that install its legacy driver: `namespace/name`.
    pub installers: Vec<String>,
    /// Pods that name its claim.
    pub pods: Vec<PodUse>,
    /// What makes them.
    pub workloads: Vec<Workload>,
    /// VolumeAttachments that name it: the attachment, and its node.
    pub attachments: Vec<(String, String)>,
    /// Nodes that list it in `volumesInUse` or `volumesAttached`.
    pub held_by: Vec<String>,
    /// What the node daemons have of it.
    pub mounts: Vec<Mount>,
    /// What there is to tell from nodes that it is idle.
    pub evidence: Evidence,
    /// Whether the cluster serves it through CSI already: `Ok` if the whole
    /// specification is the one that would be stored, else what differs.
    pub runtime: Option<Result<(), String>>,
    /// What else has to be known to rewrite it under the node daemon's mounts.
    pub shim: Shim,
}

/// `status.phase` of a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// No claim has it.
    Available,
    /// A claim has it.
    Bound,
    /// Its claim is gone.
    Released,
    /// Its reclaim failed.
    Failed,
    /// Not looked at by the controller yet, or unknown.
    #[default]
    Pending,
}

impl VolumeFacts {
    /// What can be done about it.
    pub fn judge(self) -> Verdict {
        let mut findings = Vec::new();
        if let Some(target) = &self.target {
            self.ownership.check(&mut findings);
            // In the middle of a rewrite nothing else is as it will be.
            if self.ownership.migration.is_none() {
                self.check_claim(&mut findings);
                self.check_others(&mut findings);
                self.driver.check(&target.driver, &mut findings);
                target.check(&mut findings);
                let used = self.check_use(target, &mut findings);
                self.check_evidence(used, &mut findings);
            }
        }
        findings.extend(self.notes);
        Verdict::of(findings)
    }

    /// Leaves out what is only there because the volume is pinned to these nodes: that
    /// kubelet holds it, that the node daemon cannot let go of it, and pods that cannot
    /// start beside the pin.
    pub fn beside_pins(&mut self, nodes: &[String]) {
        let is_pinned = |node: &String| nodes.contains(node);
        self.held_by.retain(|node| !is_pinned(node));
        self.mounts
            .retain(|mount| !(mount.pod_uid.is_empty() && is_pinned(&mount.node)));
        let mounts = &self.mounts;
        self.pods.retain(|pod| {
            let is_mounted = mounts.iter().any(|mount| mount.pod_uid == pod.uid);
            let may_start = pod.phase != PodPhase::Pending || is_mounted || nodes.is_empty();
            may_start || !(pod.node.is_empty() || is_pinned(&pod.node))
        });
    }

    /// Who uses it, and nothing else.
    pub fn used(&self) -> Use {
        let Some(target) = &self.target else {
            return Use::Unknown("what it becomes is not known".to_owned());
        };
        let mut findings = Vec::new();
        let used = self.check_use(target, &mut findings);
        self.check_evidence(used, &mut findings);
        let verdict = Verdict::of(findings);
        let said = verdict.findings.iter().map(|found| found.message.as_str());
        let said = said.collect::<Vec<_>>().join(", ");
        let is = |code: FindingCode| {
            let mut findings = verdict.findings.iter();
            findings.any(|found| found.code == code.as_str())
        };
        match verdict.kind {
            VerdictKind::Ready => Use::Idle,
            VerdictKind::ReadyInUse if is(FindingCode::ServedByShim) => Use::ByCsi {
                nodes: self.nodes(),
            },
            VerdictKind::ReadyInUse | VerdictKind::InUse => Use::By(said),
            VerdictKind::Blocked | VerdictKind::Kept if used => Use::By(said),
            VerdictKind::Blocked | VerdictKind::Kept => Use::Unknown(said),
        }
    }

    /// The nodes where it is mounted.
    fn nodes(&self) -> Vec<String> {
        let nodes = self.mounts.iter().map(|mount| mount.node.clone());
        let nodes: std::collections::BTreeSet<String> = nodes.collect();
        nodes.into_iter().collect()
    }

    fn check_others(&self, findings: &mut Vec<Finding>) {
        findings.extend(self.vendor_controllers.iter().cloned());
        for installer in &self.installers {
            findings.push(
                Finding::new(
                    FindingCode::LegacyInstaller,
                    format!("DaemonSet {installer} puts the legacy driver on the nodes"),
                )
                .remedy(format!("delete the DaemonSet {installer}")),
            );
        }
        if self.static_delete {
            let message =
                "nobody can delete it today in spite of its policy Delete; as CSI its driver would";
            findings.push(Finding::new(FindingCode::PolicyDeleteStatic, message));
        }
    }
}

#[cfg(test)]
mod tests;
