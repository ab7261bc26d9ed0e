//! The CSI endpoint: a CSI driver like any other that serves volumes in legacy
//! form by translating on the way to a real CSI driver, its backend.
//!
//! What needs no translation is forwarded as the HTTP/2 exchange that it is.
//! What does is edited in its protobuf fields; what it becomes is decided in
//! [`flex2csi_translators::endpoint`].

mod answer;
mod answer_body;
mod error;
mod findings;
mod forward;
mod handles;
mod known_ids;
mod legacy_volumes;
mod probe;
mod request;
mod rpc;
mod serve;
mod translation;
pub mod wire;

pub use error::CallError;
pub use forward::{Endpoint, Knowledge, Settings, Upstreams};
pub use handles::Handles;
pub use legacy_volumes::{LegacyVolumes, LookupError};
pub use serve::serve;
