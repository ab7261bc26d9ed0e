//! What an object becomes, and whether the cluster is ready for that.

use super::{Finding, FindingCode};

/// How many names a message lists.
const NAMED: usize = 3;

/// What a volume or a class becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetFacts {
    /// The CSI driver.
    pub driver: String,
    /// The volume's handle; empty for a class.
    pub handle: String,
    /// Another volume with the same handle.
    pub twin: Option<String>,
    /// Secrets that the driver is to be given: `namespace/name`, and its state.
    pub secrets: Vec<(String, SecretState)>,
    /// VolumeSnapshotContents that name the volume by another handle.
    pub snapshots: Vec<String>,
    /// VolumeSnapshotContents that are, and stay, another CSI driver's: the endpoint's, or
    /// those of the backend that it stands in front of.
    pub other_snapshots: Option<OtherSnapshots>,
    /// What the API server says to the new object; `None` if it takes it, or was
    /// not asked.
    pub refused: Option<String>,
}

/// Snapshots of another CSI driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherSnapshots {
    /// Of a volume: the driver, and the VolumeSnapshotContents.
    OfVolume(String, Vec<String>),
    /// The driver of a class as it is, and how many VolumeSnapshotContents it has.
    OfClass(String, usize),
}

/// Whether a Secret is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretState {
    /// It is.
    There,
    /// It is not.
    Missing,
    /// It is not, and is one that the translation writes.
    ToCreate,
    /// It could not be found out.
    Unchecked(String),
}

/// What the cluster has of a CSI driver, on the nodes where a volume may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverFacts {
    /// Nodes that take pods, over the whole cluster.
    pub nodes: usize,
    /// Nodes that have it, over the whole cluster.
    pub anywhere: usize,
    /// Nodes where the volume may be used.
    pub wanted: usize,
    /// Those of them that do not have it.
    pub without: Vec<String>,
    /// Whether it attaches volumes (`CSIDriver.spec.attachRequired`).
    pub attaches: bool,
    /// Nodes where the volume may be used and the controller may not attach.
    pub attach_off: Vec<String>,
}

/// `a, b, c and 4 more`
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    let named = names.iter().take(NAMED).map(AsRef::as_ref);
    let mut text = named.collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text += &format!(" and {} more", names.len() - NAMED);
    }
    text
}

/// `node a`, `nodes a, b`
pub(super) fn nodes<T: AsRef<str>>(names: &[T]) -> String {
    let word = if names.len() == 1 { "node" } else { "nodes" };
    format!("{word} {}", list(names))
}

impl TargetFacts {
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        if let Some(twin) = &self.twin {
            let message = format!(
                "{twin} has the handle {:?} of {} too",
                self.handle, self.driver
            );
            findings.push(Finding::new(FindingCode::HandleShared, message));
        }
        for (secret, state) in &self.secrets {
            let finding = match state {
                SecretState::There => continue,
                SecretState::Missing => Finding::new(
                    FindingCode::SecretMissing,
                    format!("there is no Secret {secret}"),
                ),
                SecretState::ToCreate => Finding::new(
                    FindingCode::SecretToCreate,
                    format!(
                        "there is no Secret {secret} yet, with the keys that {} reads",
                        self.driver
                    ),
                ),
                SecretState::Unchecked(why) => Finding::new(
                    FindingCode::SecretUnchecked,
                    format!("the Secret {secret} could not be looked for: {why}"),
                ),
            };
            findings.push(finding);
        }
        if !self.snapshots.is_empty() {
            let message = format!(
                "VolumeSnapshotContent {} names another handle",
                list(&self.snapshots)
            );
            findings.push(Finding::new(FindingCode::SnapshotHandle, message));
        }
        if let Some(snapshots) = &self.other_snapshots {
            let message = snapshots.message(&self.driver);
            findings.push(Finding::new(FindingCode::SnapshotDriver, message));
        }
        if let Some(refused) = &self.refused {
            findings.push(Finding::new(FindingCode::DryRunRefused, refused.clone()));
        }
    }
}

impl OtherSnapshots {
    /// external-snapshotter serves the snapshots of its own driver alone (v8.7,
    /// `pkg/sidecar-controller/snapshot_controller_base.go`), and external-provisioner
    /// restores them through classes of that driver alone (`pkg/controller/controller.go`,
    /// `getSnapshotSource`).
    fn message(&self, new: &str) -> String {
        match self {
            Self::OfVolume(driver, names) => format!(
                "VolumeSnapshotContent {} stays {driver}'s, and is not {new}'s",
                list(names)
            ),
            Self::OfClass(driver, count) => format!(
                "VolumeSnapshotContents of {driver} ({count}) cannot be restored through this class any more"
            ),
        }
    }
}

impl DriverFacts {
    /// Whether the CSI driver is where it has to be.
    pub(super) fn check(&self, driver: &str, findings: &mut Vec<Finding>) {
        if self.anywhere == 0 {
            findings.push(
                Finding::new(
                    FindingCode::DriverNotInstalled,
                    format!("no node has {driver}"),
                )
                .remedy(format!("install the CSI driver {driver}")),
            );
        } else if self.wanted == 0 && self.nodes > 0 {
            let message = "no node that takes pods matches its node affinity";
            findings.push(Finding::new(FindingCode::AffinityMatchesNoNode, message));
        } else if self.wanted > 0 && self.without.len() >= self.wanted {
            let message = format!(
                "{} does not have {driver}, and no other node may use the volume",
                nodes(&self.without)
            );
            findings.push(Finding::new(FindingCode::DriverNotOnNode, message));
        } else if !self.without.is_empty() {
            let message = format!("{} does not have {driver}", nodes(&self.without));
            findings.push(Finding::new(FindingCode::DriverNotOnEveryNode, message));
        }
        if self.attaches && !self.attach_off.is_empty() {
            let message = format!(
                "{driver} attaches volumes, and the kubelet of {} does not let the controller do so",
                nodes(&self.attach_off)
            );
            findings.push(Finding::new(FindingCode::ControllerAttachOff, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(facts: &DriverFacts) -> Vec<String> {
        let mut findings = Vec::new();
        facts.check("d", &mut findings);
        findings.into_iter().map(|finding| finding.code).collect()
    }

    fn facts(anywhere: usize, wanted: usize, without: &[&str]) -> DriverFacts {
        DriverFacts {
            nodes: 3,
            anywhere,
            wanted,
            without: without.iter().map(|name| (*name).to_owned()).collect(),
            ..DriverFacts::default()
        }
    }

    #[test]
    fn the_driver_has_to_be_where_the_volume_is() {
        assert_eq!(codes(&facts(0, 2, &["a", "b"])), ["driver-not-installed"]);
        assert_eq!(codes(&facts(3, 2, &["a", "b"])), ["driver-not-on-node"]);
        assert_eq!(codes(&facts(3, 2, &["a"])), ["driver-not-on-every-node"]);
        assert_eq!(codes(&facts(3, 0, &[])), ["affinity-matches-no-node"]);
        assert_eq!(codes(&facts(3, 2, &[])), [""; 0]);
    }

    #[test]
    fn a_kubelet_that_attaches_itself_matters_to_drivers_that_attach() {
        for (attaches, expected) in [(true, 1), (false, 0)] {
            let facts = DriverFacts {
                attaches,
                attach_off: vec!["a".to_owned()],
                ..facts(1, 1, &[])
            };
            assert_eq!(codes(&facts).len(), expected);
        }
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(nodes(&["a"]), "node a");
        assert_eq!(
            nodes(&["a", "b", "c", "d", "e"]),
            "nodes a, b, c and 2 more"
        );
    }
}
