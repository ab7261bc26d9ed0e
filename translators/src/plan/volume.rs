//! PersistentVolumes: the verdict on one.

use super::{
    Code, DriverFacts, Effect, Finding, Mount, MountState, Ownership, Shim, Target, Verdict,
    VerdictKind, Workload,
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
    pub target: Option<Target>,
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

/// The claim that a volume names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClaimState {
    /// The volume names none.
    #[default]
    None,
    /// There is none of that name.
    Missing(String),
    /// There is one.
    There(ClaimFacts),
}

/// What was found about a volume's claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimFacts {
    /// `namespace/name`
    pub name: String,
    /// Whether it has the uid that the volume names, and names the volume.
    pub mutual: bool,
    /// `status.phase` is Bound.
    pub bound: bool,
    /// `status.phase` is Lost.
    pub lost: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What of a resize is under way.
    pub resize: Option<String>,
    /// Its VolumeAttributesClass.
    pub attributes_class: Option<String>,
}

/// A pod that names the claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodUse {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// Its node; empty before it is scheduled.
    pub node: String,
    /// How far it is.
    pub phase: PodPhase,
    /// Whether its security context names an fsGroup.
    pub fs_group: bool,
    /// What makes it: `Kind name`; empty if nothing does.
    pub owner: String,
}

impl PodUse {
    /// `namespace/name`
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod)
    }
}

/// How far a pod is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PodPhase {
    /// Not running yet.
    #[default]
    Pending,
    /// Running, and not being deleted.
    Running,
    /// Being deleted.
    Ending,
    /// Succeeded or Failed.
    Ended,
}

/// What there is to tell from nodes that a volume is idle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Not asked for, or nothing speaks against it.
    #[default]
    Enough,
    /// Nothing on nodes tells of this source.
    NoneForSource,
    /// Some nodes do not tell.
    Lacking {
        /// Nodes that publish nothing.
        silent: Vec<String>,
        /// Nodes whose word is too old.
        stale: Vec<String>,
        /// Nodes that are not ready.
        not_ready: Vec<String>,
    },
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
        let is = |code: Code| {
            let mut findings = verdict.findings.iter();
            findings.any(|found| found.code == code.as_str())
        };
        match verdict.kind {
            VerdictKind::Ready => Use::Idle,
            VerdictKind::ReadyInUse if is(Code::ServedByShim) => Use::ByCsi {
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

    fn check_claim(&self, findings: &mut Vec<Finding>) {
        if self.phase == Phase::Failed {
            findings.push(Finding::new(Code::PhaseFailed, "its phase is Failed"));
        }
        let claim = match &self.claim {
            ClaimState::None => return,
            ClaimState::Missing(name) => {
                let message = format!("it names the claim {name}, which is not there");
                findings.push(Finding::new(Code::ClaimMissing, message));
                return;
            }
            ClaimState::There(claim) => claim,
        };
        let name = &claim.name;
        let mut found = |code, message| findings.push(Finding::new(code, message));
        if !claim.mutual {
            let message = format!(
                "the claim {name} is another than the one that it names, or has another volume"
            );
            return found(Code::ClaimOther, message);
        }
        if claim.deleting {
            found(
                Code::ClaimTerminating,
                format!("the claim {name} is being deleted"),
            );
        }
        if claim.lost {
            found(Code::ClaimLost, format!("the claim {name} is Lost"));
        } else if !claim.bound || self.phase != Phase::Bound {
            found(
                Code::ClaimNotBound,
                format!("the claim {name} is not bound yet, on both sides"),
            );
        }
        if let Some(resize) = &claim.resize {
            found(
                Code::ResizePending,
                format!("the claim {name} waits to be resized: {resize}"),
            );
        }
        if let Some(class) = &claim.attributes_class {
            let message = format!("the claim {name} has the VolumeAttributesClass {class}");
            found(Code::AttributesClass, message);
        }
    }

    fn check_others(&self, findings: &mut Vec<Finding>) {
        findings.extend(self.vendor_controllers.iter().cloned());
        for installer in &self.installers {
            findings.push(
                Finding::new(
                    Code::LegacyInstaller,
                    format!("DaemonSet {installer} puts the legacy driver on the nodes"),
                )
                .remedy(format!("delete the DaemonSet {installer}")),
            );
        }
        if self.static_delete {
            let message =
                "nobody can delete it today in spite of its policy Delete; as CSI its driver would";
            findings.push(Finding::new(Code::PolicyDeleteStatic, message));
        }
    }

    /// Who uses it, and whether it may be rewritten all the same; whether
    /// somebody does.
    fn check_use(&self, target: &Target, findings: &mut Vec<Finding>) -> bool {
        let before = findings.len();
        let mut found = |code, message| findings.push(Finding::new(code, message));
        for pod in &self.pods {
            let mut name = pod.name();
            if !pod.owner.is_empty() {
                name += &format!(" of {}", pod.owner);
            }
            let on = match pod.node.as_str() {
                "" => String::new(),
                node => format!(" on node {node}"),
            };
            match pod.phase {
                PodPhase::Pending => found(
                    Code::UsedByPod,
                    format!("pod {name}{on} is about to use it"),
                ),
                PodPhase::Running => found(Code::UsedByPod, format!("pod {name}{on} uses it")),
                PodPhase::Ending => found(Code::UsedByPod, format!("pod {name}{on} is ending")),
                PodPhase::Ended => found(Code::UsedByEndedPod, format!("pod {name}{on} has ended")),
            }
        }
        for (attachment, node) in &self.attachments {
            found(
                Code::Attached,
                format!("{attachment} attaches it to node {node}"),
            );
        }
        for node in &self.held_by {
            found(
                Code::HeldByNode,
                format!("node {node} lists it as in use or attached"),
            );
        }
        for mount in &self.mounts {
            let node = &mount.node;
            match mount.state {
                MountState::Original => found(
                    Code::MountedByOriginal,
                    format!("node {node} has it mounted by the original driver"),
                ),
                _ => found(
                    Code::MountedByShim,
                    format!("node {node} has it mounted by flex2csi"),
                ),
            }
        }
        if findings.len() == before {
            return false;
        }
        match &self.runtime {
            Some(Ok(())) => {
                let message = format!(
                    "it is served by {} already, as it would be stored",
                    target.driver
                );
                findings.push(Finding::new(Code::RuntimeEqual, message));
            }
            Some(Err(differs)) => {
                findings.push(Finding::new(Code::RuntimeDiffers, differs.clone()))
            }
            None if self.evidence == Evidence::Enough => {
                self.shim.check(target, &self.pods, &self.mounts, findings);
            }
            None => {}
        }
        if findings.iter().all(|found| found.effect != Effect::Proof) {
            findings.extend(self.workloads.iter().filter_map(Workload::finding));
        }
        true
    }

    /// An idle volume has to be known to be so.
    fn check_evidence(&self, used: bool, findings: &mut Vec<Finding>) {
        // What is in use needs no proof that it is not, and what the cluster
        // serves through CSI by the same specification need not be idle.
        if matches!(self.runtime, Some(Ok(()))) {
            return;
        }
        match &self.evidence {
            Evidence::Enough => {}
            Evidence::NoneForSource if used => {}
            Evidence::NoneForSource => {
                let message = "nothing on the nodes tells whether it is mounted";
                findings.push(Finding::new(Code::NoNodeEvidence, message));
            }
            Evidence::Lacking {
                silent,
                stale,
                not_ready,
            } => {
                for (code, nodes, what) in [
                    (
                        Code::NodeNotReady,
                        not_ready,
                        "is not ready, and may have it mounted",
                    ),
                    (Code::NodeSilent, silent, "does not say what it has mounted"),
                    (
                        Code::NodeStale,
                        stale,
                        "has not said for too long what it has mounted",
                    ),
                ] {
                    if !nodes.is_empty() {
                        let message = format!("{} {what}", super::target::nodes(nodes));
                        findings.push(Finding::new(code, message));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
