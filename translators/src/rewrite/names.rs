//! Annotations and finalizers that the rewrite sets, or has to know.

/// On what was written by a rewrite: the [`Spec::id`](super::Spec::id) of its record.
pub const MIGRATION: &str = "flex2csi.io/migration";
/// Beside [`MIGRATION`]: which of the record's two forms the object is in.
pub const FORM: &str = "flex2csi.io/form";
/// On an object that is about to be replaced: the id of the record, and after a `/` its
/// holder. (Earlier versions wrote no holder: that is another one's mark.)
pub const REWRITING: &str = "flex2csi.io/rewriting";
/// On a volume whose policy is `Retain` for as long as it is being replaced: the
/// policy that it is to have after.
pub const POLICY: &str = "flex2csi.io/reclaim-policy";
/// On a claim: the uid of the volume that it was last bound to again. Setting it
/// is also what makes the controller look at the claim.
pub const VOLUME_UID: &str = "flex2csi.io/volume-uid";

/// On the parts of a pin: the volume that is pinned.
pub const PIN_OF: &str = "flex2csi.io/pin-of";
/// On the parts of a pin: the node.
pub const PIN_NODE: &str = "flex2csi.io/pin-node";
/// On the pod of a pin: the image as it was told, whatever a webhook made of it.
pub const PIN_IMAGE: &str = "flex2csi.io/pin-image";
/// On the pod of a pin: the holder of the record who relies on it. Whoever goes on from
/// another one writes this first; from then on a deletion that the other one had decided
/// on is refused for its resourceVersion.
pub const PIN_HOLDER: &str = "flex2csi.io/pin-holder";
/// On the volume of a pin: the uid of the VolumeAttachment that it goes by.
pub const PIN_ATTACHMENT: &str = "flex2csi.io/pin-attachment";

/// What all annotations of ours begin with.
pub(super) const OURS: &str = "flex2csi.io/";

/// `persistentVolumeReclaimPolicy` of a volume whose storage nobody deletes.
pub const RETAIN: &str = "Retain";

/// Set on every volume that exists, taken off by its controller when the volume is
/// not bound (kubernetes `pkg/controller/volume/pvprotection`, v1.36).
const PV_PROTECTION: &str = "kubernetes.io/pv-protection";

/// Set by external-attacher on the volumes that it attached
/// (external-attacher `pkg/controller/util.go`, v4.13).
pub(super) const ATTACHER: &str = "external-attacher/";

/// Set by the API server on what is deleted with `propagationPolicy: Orphan`, and
/// taken off by the garbage collector when no dependent names it any more.
pub(super) const ORPHAN: &str = "orphan";

/// Set by those who delete storage on volumes with policy `Delete`; that one is
/// gone says that its owner has seen another policy (external-provisioner v5.3,
/// kubernetes `pkg/controller/volume/persistentvolume`, v1.36).
const DELETERS: [&str; 2] = [
    "external-provisioner.volume.kubernetes.io/finalizer",
    "kubernetes.io/pv-controller",
];

/// Whether a finalizer is of one who deletes storage.
pub(super) fn is_deleter(finalizer: &str) -> bool {
    DELETERS.contains(&finalizer)
}

/// Whether a finalizer may be taken off a volume that is replaced at once.
pub(super) fn is_removable(finalizer: &str) -> bool {
    finalizer == PV_PROTECTION || finalizer.starts_with(ATTACHER)
}
