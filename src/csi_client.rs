//! Calls of ours to a CSI driver, as kubelet makes them: unary, with a deadline, a
//! request id, and errors that say whether the call may still happen.

mod call;
mod capabilities;
mod error;
mod redact;
mod rpcs;

#[cfg(test)]
mod tests;

pub use call::{CallContext, LONGEST_CALL};
pub use capabilities::NodeCapabilities;
pub use error::CsiError;
pub use rpcs::{
    can_expand, controller_expand, node_capabilities, node_expand, node_publish, node_stage,
    node_unpublish, node_unstage,
};
