//! What `flex2csi node` and `flex2csi controller` run: the doors of a
//! configuration, with all that belongs to them.

mod args;
mod backends;
mod configured;
mod drivers;
mod endpoints;
mod flexvolume;
mod installations;
mod kubelet;
mod legacy_volumes;
mod mounted;
mod run;

pub use args::DaemonArgs;
pub use run::{Role, run};
