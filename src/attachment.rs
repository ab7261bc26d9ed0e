//! Attaching volumes as the attach/detach controller does: VolumeAttachments,
//! under the names that it would give them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use crate::cluster::{ClusterError, OriginalOn, VolumeId, Why};

pub mod lease;
pub mod object;

mod attach;
mod csi_volumes;
mod detach;
mod originals;
mod volume_attachments;

pub use csi_volumes::CsiVolumes;
pub(crate) use csi_volumes::csi_volume;
pub use originals::Originals;
pub(crate) use volume_attachments::exactly;
pub use volume_attachments::{Settings, VolumeAttachments};

/// What will have become of an attachment.
pub type Attaching<'a, T> = Pin<Box<dyn Future<Output = Result<T, AttachError>> + Send + 'a>>;

/// Attaches volumes to this node.
pub trait Attacher: Send + Sync {
    /// Has a volume attached, and waits until it is. It can be called again for
    /// one that is. Dropping the future ends the waiting, not the attachment.
    fn attach<'a>(&'a self, wanted: &'a Wanted) -> Attaching<'a, PublishContext>;

    /// Has a volume detached, unless the attach/detach controller has taken the
    /// attachment over. It does not wait until it is detached.
    fn detach<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Detached>;

    /// Leaves the attachment of a volume that stays mounted to the attach/detach
    /// controller, if that has taken it over; gives whether it has. It never deletes
    /// one. It can be called again.
    fn hand_over<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, bool>;
}

/// An attachment that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The volume.
    pub volume: VolumeId,
    /// The PersistentVolume in legacy form, where it has one.
    pub persistent_volume: Option<String>,
    /// `spec.source.inlineVolumeSpec` of the VolumeAttachment, JSON.
    pub inline_volume_spec: String,
    /// Whether other nodes may have it at the same time (ReadWriteMany and
    /// ReadOnlyMany).
    pub is_shared: bool,
}

/// `publish_context` of NodeStage and NodePublish
/// (`VolumeAttachment.status.attachmentMetadata`).
pub type PublishContext = BTreeMap<String, String>;

/// What became of an attachment that is not needed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detached {
    /// It is gone, or nothing was there.
    Gone,
    /// It is deleted, and the driver's attacher has yet to detach.
    UnderWay,
    /// It is the attach/detach controller's: a PersistentVolume in CSI form has
    /// taken it over.
    Adopted,
}

/// Why a volume is not attached, or not detached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The API server cannot be asked now.
    #[error("the attachment of volume {handle} cannot be looked at: {reason}; it is tried again")]
    Unavailable {
        /// The volume.
        handle: String,
        /// What went wrong.
        reason: String,
    },
    /// We may not.
    #[error(
        "flex2csi may not attach volume {handle}: {reason}; give its service account that right"
    )]
    Forbidden {
        /// The volume.
        handle: String,
        /// What the API server said.
        reason: String,
    },
    /// Another node has it.
    #[error(
        "volume {handle} is attached to node {node}, and may be on one node at a time: \
         it is attached here when the pod there has ended"
    )]
    Elsewhere {
        /// The volume.
        handle: String,
        /// The other node.
        node: String,
    },
    /// The original driver has it on another node, or may have it.
    #[error("{}", of_original(handle, on))]
    Original {
        /// The volume.
        handle: String,
        /// The other node.
        on: OriginalOn,
    },
    /// A PersistentVolume in CSI form has the same handle.
    #[error(
        "volume {handle} is also that of PersistentVolume {persistent_volume}, which is in CSI \
         form: two of them cannot be in use at once; rewrite or remove one"
    )]
    OtherVolume {
        /// The volume.
        handle: String,
        /// The other PersistentVolume.
        persistent_volume: String,
    },
    /// The driver's attacher failed; it goes on trying.
    #[error("the CSI driver does not attach volume {handle}: {reason}")]
    Refused {
        /// The volume.
        handle: String,
        /// What it says (`status.attachError.message`).
        reason: String,
    },
    /// The driver's attacher has not answered.
    #[error("volume {handle} is not attached yet ({attachment}): {reason}; it is tried again")]
    NotYet {
        /// The volume.
        handle: String,
        /// The VolumeAttachment.
        attachment: String,
        /// What is waited for.
        reason: String,
    },
    /// What is there, or what is to be made, cannot be used.
    #[error("volume {handle} cannot be attached: {reason}")]
    NotAccepted {
        /// The volume.
        handle: String,
        /// Why.
        reason: String,
    },
}

impl AttachError {
    /// What the cluster did not say of a volume.
    fn unasked(volume: &VolumeId, error: &ClusterError) -> Self {
        let (handle, reason) = (volume.handle.clone(), error.to_string());
        match error {
            ClusterError::Forbidden { .. } => Self::Forbidden { handle, reason },
            _ => Self::Unavailable { handle, reason },
        }
    }
}

fn of_original(handle: &str, on: &OriginalOn) -> String {
    let node = &on.node;
    let down = format!(
        "if node {node} is down for good, give it the taint node.kubernetes.io/out-of-service, or \
         delete its Node object"
    );
    let how = match &on.why {
        Why::Said => format!(
            "is mounted on node {node} by its original FlexVolume driver, and may be on one node \
             at a time: it is attached here when it is unmounted there; {down}"
        ),
        Why::Pod(pod) => format!(
            "is used by pod {pod} on node {node}, where no node daemon of flex2csi runs, and may be \
             on one node at a time: it is attached here when that pod is gone; start the node \
             daemon there"
        ),
        Why::Silent => format!(
            "may be mounted on node {node} by its original FlexVolume driver: nothing is heard of \
             that node, no node daemon of flex2csi has said what is mounted there, and the volume \
             may be on one node at a time; {down}"
        ),
    };
    format!("volume {handle} {how}")
}
