//! What the exec binary and the node daemon share: the [`wire`] between them,
//! and the file that the daemon [installs](installed) beside each exec binary.

pub mod installed;
pub mod wire;
