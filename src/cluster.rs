//! What the node daemon has to know of the cluster: which volume a pod's is, the
//! Secrets and StorageClasses that it names, how its CSI driver is served.

mod api;
mod csi_driver;
mod files;
mod object;
mod pod;
mod pod_volume;
mod secret;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

pub use api::{Api, OriginalOn, Why};
pub use files::Files;

/// What the cluster will say.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClusterError>> + Send + 'a>>;

/// The cluster: its API server, or manifests in files where there is none.
pub trait Cluster: Send + Sync {
    /// The volume that a FlexVolume call is about, checked against what the call
    /// says of it: the options name a volume, and an inline volume can have the
    /// name of a stranger's PersistentVolume.
    fn volume<'a>(&'a self, called: &'a CalledVolume) -> Asked<'a, FoundVolume>;

    /// The values of a Secret.
    fn secret<'a>(&'a self, secret: &'a SecretName) -> Asked<'a, SecretValues>;

    /// How a CSI driver is to be served; Kubernetes' defaults without a CSIDriver
    /// object.
    fn csi_driver<'a>(&'a self, driver: &'a str) -> Asked<'a, CsiDriver>;

    /// Whether kubelet's CSI plugin may still need a volume on this node, as far as
    /// the API server knows: it stands in the node's `volumesInUse`, or one of
    /// the pods is there and not ending. No answer counts as yes.
    fn holds<'a>(&'a self, volume: &'a VolumeId, pods: &'a [PodName]) -> Asked<'a, bool>;

    /// The unique names of the volumes that the attach/detach controller has attached to
    /// this node (`Node.status.volumesAttached`), as they are now.
    fn attached(&self) -> Asked<'_, Vec<String>>;
}

/// A volume as CSI knows it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct VolumeId {
    /// The CSI driver.
    pub driver: String,
    /// Its `volumeHandle`.
    pub handle: String,
}

impl VolumeId {
    /// How `volumesInUse` and `volumesAttached` of a Node name it (kubernetes
    /// `pkg/volume/util/util.go`, `GetUniqueVolumeName`, v1.36).
    pub fn unique_name(&self) -> String {
        flex2csi_translators::attachment::unique_volume_name(&self.driver, &self.handle)
    }
}

/// A pod.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// A Secret.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct SecretName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What is in a Secret. It is never to be seen in a log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretValues(pub BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A volume as a FlexVolume call has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledVolume {
    /// The pod, as kubelet says.
    pub pod: PodName,
    /// The PersistentVolume, or the pod's name for an inline volume.
    pub volume: String,
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// The options that the volume itself has, without those that kubelet adds.
    pub options: BTreeMap<String, String>,
}

/// The volume that a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundVolume {
    /// Where it stands.
    pub source: VolumeSource,
    /// The pod's `fsGroupChangePolicy`, `Always` without one.
    pub fs_group_change_policy: FsGroupChangePolicy,
    /// The pod's service account.
    pub service_account: String,
}

/// Where a volume stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeSource {
    /// In a PersistentVolume.
    PersistentVolume {
        /// The object, JSON.
        json: String,
        /// Its StorageClass, JSON, where it has one that exists.
        storage_class: Option<String>,
    },
    /// In the pod itself.
    Inline {
        /// The Pod, JSON.
        pod: String,
    },
}

/// When a volume is given to the pod's fsGroup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FsGroupChangePolicy {
    /// At each mount.
    #[default]
    Always,
    /// Where its root directory is not the group's already.
    OnRootMismatch,
}

/// How a CSI driver is served (`CSIDriver.spec`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsiDriver {
    /// Whether volumes are attached before they are staged.
    pub attach_required: bool,
    /// Whether it is told the pod.
    pub pod_info_on_mount: bool,
    /// Who gives volumes to the pod's fsGroup.
    pub fs_group_policy: FsGroupPolicy,
    /// Whether kubelet would mount its volumes with a SELinux context.
    pub se_linux_mount: bool,
    /// Whether kubelet would publish its volumes again and again.
    pub requires_republish: bool,
}

impl Default for CsiDriver {
    /// What counts without a CSIDriver object (kubernetes `pkg/volume/csi`, v1.36).
    fn default() -> Self {
        Self {
            attach_required: true,
            pod_info_on_mount: false,
            fs_group_policy: FsGroupPolicy::default(),
            se_linux_mount: false,
            requires_republish: false,
        }
    }
}

/// When a volume is given to the pod's fsGroup (`CSIDriver.spec.fsGroupPolicy`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FsGroupPolicy {
    /// Where it has an fsType and is ReadWriteOnce.
    #[default]
    ReadWriteOnceWithFsType,
    /// Always.
    File,
    /// Never.
    None,
}

/// Why the cluster does not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// It cannot be asked now.
    #[error("{object} cannot be looked up: {reason}; it is tried again")]
    Unavailable {
        /// What was asked for, as `PersistentVolume pv-1`.
        object: String,
        /// What went wrong.
        reason: String,
    },
    /// We may not ask.
    #[error("flex2csi may not read {object}: {reason}; give its service account that right")]
    Forbidden {
        /// What was asked for.
        object: String,
        /// What the API server said.
        reason: String,
    },
    /// There is none.
    #[error("there is no {object}")]
    NotFound {
        /// What was asked for.
        object: String,
    },
    /// What is there is not what the call is about.
    #[error("{object} is not the volume of this call: {reason}")]
    Differs {
        /// What was found.
        object: String,
        /// In what it differs, and what to do.
        reason: String,
    },
    /// What is there cannot be read.
    #[error("{object} cannot be read: {reason}")]
    Unreadable {
        /// What was found.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
}
