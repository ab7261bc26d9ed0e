//! The calls of the protocol (kubernetes
//! `pkg/volume/flexvolume/driver-call.go`, v1.36).

use std::ffi::OsStr;

/// A call of kubelet's or of kube-controller-manager's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The driver is loaded.
    Init,
    /// Its answer is never used, only its failure.
    GetVolumeName,
    /// Attaching to a node.
    Attach,
    WaitForAttach,
    IsAttached,
    Detach,
    /// The mount of a device that the pods of a node share.
    MountDevice,
    UnmountDevice,
    /// The mount of one pod.
    Mount,
    Unmount,
    /// The claim has grown: the filesystem is to follow.
    ExpandFs,
    /// In the protocol, and called by nobody.
    ExpandVolume,
    /// Not in the protocol.
    Unknown,
}

impl Call {
    /// By its name.
    pub fn named(name: &OsStr) -> Self {
        match name.to_str() {
            Some("init") => Self::Init,
            Some("getvolumename") => Self::GetVolumeName,
            Some("attach") => Self::Attach,
            Some("waitforattach") => Self::WaitForAttach,
            Some("isattached") => Self::IsAttached,
            Some("detach") => Self::Detach,
            Some("mountdevice") => Self::MountDevice,
            Some("unmountdevice") => Self::UnmountDevice,
            Some("mount") => Self::Mount,
            Some("unmount") => Self::Unmount,
            Some("expandfs") => Self::ExpandFs,
            Some("expandvolume") => Self::ExpandVolume,
            _ => Self::Unknown,
        }
    }

    /// What stands behind the calls that the daemon gets.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Mount => &["<mount dir>", "<options>"],
            Self::Unmount | Self::UnmountDevice => &["<mount dir>"],
            Self::ExpandFs => &[
                "<options>",
                "<device>",
                "<path>",
                "<new size>",
                "<old size>",
            ],
            _ => &[],
        }
    }
}
