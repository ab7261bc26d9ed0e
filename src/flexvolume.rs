//! The FlexVolume door: kubelet's exec calls, which the exec binary brings, are
//! answered by the CSI driver that has the volume.

mod call;
mod device_directory;
mod door;
mod exchange;
mod kubelet_default;
mod options;
mod pod_target;
mod server;
pub mod volumes;
mod whose;

pub use call::{Call, InvalidCall};
pub use door::{CallError, Door, Settings};
pub use options::{InvalidOptions, Options};
pub use pod_target::{PodTarget, TargetError};
pub use server::{Answer, serve};
