//! The object, as it stands in the cluster.

use flex2csi_translators::attachment::is_fresh;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject};
use serde::{Deserialize, Serialize};

pub use flex2csi_translators::attachment::State;

/// What a node daemon says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeVolumes {
    /// The boot of which it is true.
    #[serde(rename = "bootID")]
    pub boot_id: String,
    /// The version of the node daemon.
    pub version: String,
    /// When it was last said, by the node's clock.
    pub renew_time: Timestamp,
    /// How often it is said.
    pub renew_seconds: u32,
    /// How many there are.
    pub counts: Counts,
    /// What is mounted through flex2csi.
    pub shim: Vec<ShimEntry>,
    /// What is the original driver's.
    pub original: Vec<OriginalEntry>,
}

/// How many entries there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Of `shim`, those that are not detaching.
    pub shim: u32,
    /// Of `shim`, those that are detaching.
    pub detaching: u32,
    /// Of `original`.
    pub original: u32,
}

/// What is mounted through flex2csi: an entry for each volume and pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShimEntry {
    /// The CSI driver.
    pub driver: String,
    /// The `volumeHandle`.
    pub handle: String,
    /// The PersistentVolume; none for an inline volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pv: Option<String>,
    /// The pod; none where the volume is not a pod's any more.
    #[serde(rename = "podUID", default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// How far it is: a name of [`State`], or one of a newer version.
    pub state: String,
    /// Whether kubelet has it for the pod through CSI as well: it was rewritten under the
    /// pod, and stays attached for as long as the pod is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub csi: bool,
}

impl ShimEntry {
    /// Whether nothing of the volume is mounted and only its attachment is left.
    #[must_use]
    pub fn is_detaching(&self) -> bool {
        self.state == State::Detaching.as_str()
    }
}

/// What is mounted by an original driver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OriginalEntry {
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// The PersistentVolume, or the inline volume's name in its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pv: Option<String>,
    /// The pod; none for a device that is mounted for no pod.
    #[serde(rename = "podUID", default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
}

impl NodeVolumes {
    /// Whether it counts at that time.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let renewed = self.renew_time.as_millisecond();
        is_fresh(renewed, now.as_millisecond(), self.renew_seconds)
    }

    /// Whether it still counted at an earlier time of the node's own clock.
    #[must_use]
    pub fn counts_at(&self, then: Timestamp) -> bool {
        self.renew_time >= then || self.is_fresh(then)
    }
}

/// Access to NodeVolumes.
#[must_use]
pub fn node_volumes(client: kube::Client) -> Api<DynamicObject> {
    Api::all_with(client, &resource())
}

/// What they are called.
pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: "flex2csi.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "flex2csi.io/v1alpha1".to_owned(),
        kind: "NodeVolumes".to_owned(),
        plural: "nodevolumes".to_owned(),
    }
}
