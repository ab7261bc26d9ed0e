//! The file beside an exec binary, from which it answers `init` without the
//! daemon. Its name starts with a dot: kubelet overlooks it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of this form. Members are only ever added, unknown ones ignored.
pub const VERSION: u32 = 1;

/// What is installed in a driver's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// Of this form.
    pub version: u32,
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// The node daemon's socket, as the host sees it.
    pub socket: PathBuf,
    /// What `init` answers.
    pub capabilities: Capabilities,
    /// How long a call may take, in milliseconds: less than kubelet waits.
    pub timeout_ms: u64,
    /// The driver that was here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// What kubelet does itself for a driver (kubernetes
/// `pkg/volume/flexvolume/driver-call.go`, v1.36).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Attach, detach and mount devices through the driver.
    pub attach: bool,
    /// Have the container runtime relabel the volume.
    #[serde(rename = "selinuxRelabel")]
    pub selinux_relabel: bool,
    /// Measure the volume with statfs.
    pub supports_metrics: bool,
    /// Give the volume to the pod's fsGroup.
    #[serde(rename = "fsGroup")]
    pub fs_group: bool,
    /// Call `expandfs` after a claim has grown.
    #[serde(rename = "requiresFSResize")]
    pub requires_fs_resize: bool,
}

/// A driver that was here before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Original {
    /// Its executable's name in the same directory: it may look beside itself.
    pub file: String,
    /// Whether kubelet may have attached volumes through it.
    pub attaches: Attaches,
}

/// Whether kubelet attaches volumes through an original driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attaches {
    /// Nobody asked yet: the exec binary asks its `init`, and keeps the answer in
    /// the file [`answer_file`].
    Unknown,
    /// It says so, or says nothing, and the node still has something of it:
    /// every call is the original's.
    Yes,
    /// It does not, or nothing of it is left: new mounts are ours.
    No,
}

/// The name of the file of [`Installed`], for the executable of a driver.
pub fn installed_file(executable: &str) -> String {
    format!(".{executable}.flex2csi.json")
}

/// The name that the original executable of a driver has.
pub fn original_file(executable: &str) -> String {
    format!(".{executable}.orig")
}

/// The name of the file in which the original driver's answer to `init` is kept.
pub fn answer_file(executable: &str) -> String {
    format!(".{executable}.orig.init.json")
}
