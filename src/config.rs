//! The configuration of `flex2csi node` and `flex2csi controller`: one YAML
//! file. `docs/configuration.md` explains it.
//!
//! It is checked as a whole, with what it refers to, before anything of it is
//! used: a daemon runs with a configuration that is right, or with the one it
//! had.

mod error;
mod fixed;
mod load;
mod model;
mod names;
mod places;
mod reload;
mod resolve;
mod schema;
mod seen;
mod site;
mod text;

pub use error::{ConfigError, Fault};
pub use load::Loaded;
pub(crate) use model::REGISTRY;
pub use model::{Backend, Config, Endpoint, FlexVolume, FlexVolumeDriver, Kubelet, Log};
pub use reload::{Reloader, follow_log_level};
pub(crate) use resolve::EXEC_SOCKET;

#[cfg(test)]
mod tests;
