//! Why a call on a volume failed.

use std::path::PathBuf;

use tonic::Code;

use crate::attachment::AttachError;
use crate::cluster::{ClusterError, SecretName};
use crate::csi_client::CsiError;
use crate::node_record::RecordError;

/// Why a call on a volume failed. Each says what to do, unless trying again is all,
/// which kubelet does by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// Another call has the volume or the target.
    #[error("another call on {what} is under way; it is tried again")]
    UnderWay {
        /// As `volume vol-1`.
        what: String,
    },
    /// The caller's deadline passed. What was begun is finished.
    #[error("{what} is not done in time, and goes on; it is tried again")]
    Late {
        /// As `the mount`.
        what: &'static str,
    },
    /// The work broke off: an error of this program.
    #[error("{what} broke off, which is an error of flex2csi: {reason}")]
    BrokeOff {
        /// As `the mount`.
        what: &'static str,
        /// What is known of it.
        reason: String,
    },
    /// Kubelet's call has not what every one has.
    #[error("kubelet's call is not complete: {what} is missing in its options")]
    Incomplete {
        /// The option.
        what: &'static str,
    },
    /// The target is not where FlexVolumes of the pod are.
    #[error("{} is no place of a volume of the pod {uid}", target.display())]
    NoTarget {
        /// The target.
        target: PathBuf,
        /// The pod.
        uid: String,
    },
    /// The pod is gone.
    #[error("the pod {uid} is no more on this node: {} is not there", directory.display())]
    NoPod {
        /// The pod.
        uid: String,
        /// Its directory.
        directory: PathBuf,
    },
    /// Something is mounted at the target that is not ours.
    #[error(
        "something is mounted at {} that flex2csi has not mounted; unmount it first",
        target.display()
    )]
    Foreign {
        /// The target.
        target: PathBuf,
    },
    /// The cluster does not say what is needed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The volume's PersistentVolume is in CSI form.
    #[error(
        "PersistentVolume {name} is in CSI form already: kubelet mounts it through CSI once it \
         has seen that"
    )]
    AlreadyCsi {
        /// The volume.
        name: String,
    },
    /// It cannot be translated.
    #[error("{what} cannot be translated to CSI: {reason}")]
    Untranslatable {
        /// As `PersistentVolume pv-1`.
        what: String,
        /// Why.
        reason: String,
    },
    /// Kubelet's CSI plugin has the volume through another PersistentVolume.
    #[error(
        "volume {handle} is in use on this node through another PersistentVolume, in CSI form: \
         kubelet would take it away from under this one; rewrite or remove one of the two"
    )]
    InUseByCsi {
        /// The volume.
        handle: String,
    },
    /// A block device cannot be mounted.
    #[error("{what} has the volumeMode Block, which FlexVolume cannot serve")]
    Block {
        /// As `PersistentVolume pv-1`.
        what: String,
    },
    /// The CSI driver is not known.
    #[error("the CSI driver {driver} cannot be found: {reason}")]
    NoBackend {
        /// The driver.
        driver: String,
        /// Why, and what to do.
        reason: String,
    },
    /// An inline volume names a Secret that is not the pod's own.
    #[error(
        "{what} needs the Secret {}/{}, and a volume that stands in a pod gets none but the pod's \
         own: name it in the volume's secretRef, or make a PersistentVolume of it",
        secret.namespace, secret.name
    )]
    InlineSecret {
        /// As `volume data of pod ns/p`.
        what: String,
        /// The Secret.
        secret: SecretName,
    },
    /// A Secret's value is no text.
    #[error("the value {key:?} of the Secret {}/{} is no text in UTF-8", secret.namespace, secret.name)]
    SecretText {
        /// The Secret.
        secret: SecretName,
        /// The key.
        key: String,
    },
    /// It has to be attached, and there is nobody to do so.
    #[error(
        "the CSI driver {driver} needs its volumes attached, and there is no cluster to do so: \
         run the node daemon in the cluster, or give a CSIDriver with `attachRequired: false`"
    )]
    NoAttacher {
        /// The driver.
        driver: String,
    },
    /// It is not attached.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The attach/detach controller has a driver of its own that attaches the volume, and
    /// would detach it while it is mounted.
    #[error(
        "kube-controller-manager attaches volumes of {driver} to this node by a copy of that driver \
         of its own (volumesAttached has {attached}), and would detach them while they are mounted: \
         cordon the node, delete this pod, and when no Node has anything of {driver} in \
         volumesAttached any more, remove the driver from kube-controller-manager's plugin directory"
    )]
    AttachedByController {
        /// The FlexVolume driver.
        driver: String,
        /// The volume's unique name.
        attached: String,
    },
    /// It cannot be recorded, or its record is not trusted.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The CSI driver failed.
    #[error("volume {handle}: {source}")]
    Csi {
        /// The volume.
        handle: String,
        /// What the driver said.
        source: CsiError,
    },
    /// A file or directory cannot be made, changed or removed.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// As `remove`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The driver says that it is unpublished, and it is not.
    #[error(
        "the CSI driver {driver} has taken volume {handle} away, and something is still mounted at \
         {}; look at it with findmnt", path.display()
    )]
    StillMounted {
        /// The driver.
        driver: String,
        /// The volume.
        handle: String,
        /// Where.
        path: PathBuf,
    },
    /// The driver says that it is published, and it is not.
    #[error(
        "the CSI driver {driver} says that volume {handle} is at {}, and it is not to be seen from \
         here: mount kubelet's root with the propagation HostToContainer into this pod, and \
         Bidirectional into the driver's", target.display()
    )]
    NotMounted {
        /// The driver.
        driver: String,
        /// The volume.
        handle: String,
        /// Where.
        target: PathBuf,
    },
    /// It is mounted, and no more than that.
    #[error(
        "volume {handle} is mounted, and its files cannot be given to the pod's group yet: \
         {source}; it is tried again"
    )]
    NotGiven {
        /// The volume.
        handle: String,
        /// Why.
        source: Box<VolumeError>,
    },
    /// Files were written where the volume was not mounted.
    #[error(
        "{} has files in it that are not of the volume, written while it was not mounted; save \
         and remove them", target.display()
    )]
    NotEmpty {
        /// The target.
        target: PathBuf,
    },
    /// Nothing of ours is at the target.
    #[error(
        "nothing is mounted at {} through flex2csi, so it cannot be expanded here", target.display()
    )]
    NotOurs {
        /// The target.
        target: PathBuf,
    },
    /// Nobody can expand it.
    #[error(
        "volume {handle} cannot be expanded while {what} is in FlexVolume form: {reason}; rewrite it \
         to CSI first, with `flex2csi rewrite`"
    )]
    RewriteFirst {
        /// The volume.
        handle: String,
        /// As `PersistentVolume pv-1`.
        what: String,
        /// Why.
        reason: String,
    },
    /// It is smaller than asked for.
    #[error("volume {handle} has {got} bytes after it was expanded to {wanted}")]
    Small {
        /// The volume.
        handle: String,
        /// What it has.
        got: i64,
        /// What was asked for.
        wanted: i64,
    },
}

impl VolumeError {
    /// A failed system call, for `map_err`.
    pub(super) fn io<E: Into<std::io::Error>>(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// The gRPC code that says the same, for metrics.
    pub fn code(&self) -> Code {
        match self {
            Self::UnderWay { .. } => Code::Aborted,
            Self::Late { .. } => Code::DeadlineExceeded,
            Self::Incomplete { .. } | Self::NoTarget { .. } => Code::InvalidArgument,
            Self::NotOurs { .. } => Code::NotFound,
            Self::Cluster(error) => match error {
                ClusterError::Unavailable { .. } => Code::Unavailable,
                ClusterError::Forbidden { .. } => Code::PermissionDenied,
                ClusterError::NotFound { .. } => Code::NotFound,
                _ => Code::FailedPrecondition,
            },
            Self::NoBackend { .. } => Code::Unavailable,
            Self::Csi { source, .. } => source.code().unwrap_or(Code::Unavailable),
            Self::NotGiven { source, .. } => source.code(),
            Self::Attach(AttachError::Unavailable { .. }) => Code::Unavailable,
            Self::BrokeOff { .. } | Self::Record(_) | Self::Io { .. } => Code::Internal,
            _ => Code::FailedPrecondition,
        }
    }

    /// Whether what was asked of others has failed and does nothing more.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Csi { source, .. } => source.is_final(),
            Self::Attach(error) => matches!(
                error,
                AttachError::Elsewhere { .. }
                    | AttachError::Original { .. }
                    | AttachError::OtherVolume { .. }
                    | AttachError::Forbidden { .. }
            ),
            // The driver has done what it was asked to: kubelet's next call decides.
            Self::NotGiven { .. } => false,
            Self::Late { .. } | Self::UnderWay { .. } | Self::BrokeOff { .. } => false,
            _ => true,
        }
    }
}
