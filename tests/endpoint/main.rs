//! The CSI endpoint as its callers and its backend see it, over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

mod backend_trouble;
mod bad_input;
mod every_rpc;
mod every_source;
mod forwarded;
mod populated;
mod refused;
mod rig;
mod scripted;
mod translated;
