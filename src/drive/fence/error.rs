use super::IN_FORCE;
use super::policy::NAME;

/// What a fence is asked for that is to go.
pub(super) const REMOVAL: &str = "take the fence down";

impl FenceError {
    /// Whether there is a fence, and it may not be removed.
    pub fn is_of_removal(&self) -> bool {
        matches!(self, Self::Refused { what, .. } if *what == REMOVAL)
    }
}

/// Why there is no fence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// The cluster is too old.
    #[error(
        "--fence needs ValidatingAdmissionPolicy, which the API server has from Kubernetes 1.30 on"
    )]
    Unknown,
    /// The kind `ClaimFence` is not there, or the namespace is not.
    #[error(
        "the cluster does not know ClaimFence, which --fence needs; run: kubectl apply -f \
         deploy/crds/claimfences.yaml"
    )]
    NoKind,
    /// The API server says no.
    #[error(
        "--fence: the API server refuses {what}: {message}; deploy/rbac/rewrite-fence.yaml has the \
         rights, deploy/crds/claimfences.yaml the kind"
    )]
    Refused {
        /// What was asked.
        what: &'static str,
        /// What it says.
        message: String,
    },
    /// It does not come into force.
    #[error(
        "--fence: claim {0} is still not fenced {s} s after that was asked for: see `kubectl describe \
         validatingadmissionpolicy {NAME}`",
        s = IN_FORCE.as_secs()
    )]
    NotInForce(String),
    /// The API server does not answer.
    #[error("--fence: no answer from the API server to {what}: {message}")]
    Unreachable {
        /// What was asked.
        what: &'static str,
        /// What was heard last.
        message: String,
    },
}
