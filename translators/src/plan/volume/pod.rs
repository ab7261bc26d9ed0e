//! Pods that use a volume.

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
