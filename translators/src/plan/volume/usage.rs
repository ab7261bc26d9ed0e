//! Who uses a volume, by all that tells of it.

use super::{PodPhase, VolumeFacts};
use crate::plan::{Effect, Finding, FindingCode, MountState, TargetFacts, Workload, target};

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
    /// Who uses it, and whether it may be rewritten all the same; whether
    /// somebody does.
    pub(super) fn check_use(&self, target: &TargetFacts, findings: &mut Vec<Finding>) -> bool {
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
                    FindingCode::UsedByPod,
                    format!("pod {name}{on} is about to use it"),
                ),
                PodPhase::Running => {
                    found(FindingCode::UsedByPod, format!("pod {name}{on} uses it"))
                }
                PodPhase::Ending => {
                    found(FindingCode::UsedByPod, format!("pod {name}{on} is ending"))
                }
                PodPhase::Ended => found(
                    FindingCode::UsedByEndedPod,
                    format!("pod {name}{on} has ended"),
                ),
            }
        }
        for (attachment, node) in &self.attachments {
            found(
                FindingCode::Attached,
                format!("{attachment} attaches it to node {node}"),
            );
        }
        for node in &self.held_by {
            found(
                FindingCode::HeldByNode,
                format!("node {node} lists it as in use or attached"),
            );
        }
        for mount in &self.mounts {
            let node = &mount.node;
            match mount.state {
                MountState::Original => found(
                    FindingCode::MountedByOriginal,
                    format!("node {node} has it mounted by the original driver"),
                ),
                _ => found(
                    FindingCode::MountedByShim,
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
                findings.push(Finding::new(FindingCode::RuntimeEqual, message));
            }
            Some(Err(differs)) => {
                findings.push(Finding::new(FindingCode::RuntimeDiffers, differs.clone()))
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
    pub(super) fn check_evidence(&self, used: bool, findings: &mut Vec<Finding>) {
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
                findings.push(Finding::new(FindingCode::NoNodeEvidence, message));
            }
            Evidence::Lacking {
                silent,
                stale,
                not_ready,
            } => {
                for (code, nodes, what) in [
                    (
                        FindingCode::NodeNotReady,
                        not_ready,
                        "is not ready, and may have it mounted",
                    ),
                    (
                        FindingCode::NodeSilent,
                        silent,
                        "does not say what it has mounted",
                    ),
                    (
                        FindingCode::NodeStale,
                        stale,
                        "has not said for too long what it has mounted",
                    ),
                ] {
                    if !nodes.is_empty() {
                        let message = format!("{} {what}", target::nodes(nodes));
                        findings.push(Finding::new(code, message));
                    }
                }
            }
        }
    }
}
