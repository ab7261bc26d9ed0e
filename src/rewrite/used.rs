//! Who uses an object: the last check before what cannot be undone.

use flex2csi_translators::rewrite::{ClaimId, Direction, InUse, ObjectKind, Use};

use super::api::Failure;

/// Whose use is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: &'a str,
    /// A volume's claim.
    pub claim: Option<&'a ClaimId>,
    /// The CSI driver and handle of the volume's CSI form, where one is known.
    pub csi: Option<(&'a str, &'a str)>,
    /// Which form it is in now: by that kubelet serves it to those who use it.
    pub form: Direction,
    /// How it was planned to be used.
    pub in_use: &'a InUse,
    /// The nodes to which it is pinned: what is only there because of that does not
    /// count.
    pub pinned: &'a [String],
}

/// What knows of pods, attachments and nodes. A volume is idle only if no pod of
/// whatever phase names its claim, no VolumeAttachment names it, no node has it in
/// `volumesInUse` or `volumesAttached`, and every node says so that has a word
/// in it; a StorageClass only if no claim waits for a volume of it.
pub trait Evidence: Sync {
    /// Who uses an object, as of now.
    fn used(&self, subject: &Subject<'_>) -> impl Future<Output = Result<Use, Failure>> + Send;
}
