//! The CSI endpoint as its callers and its backend see it, over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

mod backend_trouble;
mod bad_input;
#[path = "../csi/caller.rs"]
mod caller;
mod every_rpc;
mod every_source;
mod forwarded;
mod populated;
mod refused;
mod rig;
#[path = "../csi/rpcs.rs"]
mod rpcs;
#[expect(dead_code, reason = "the daemons' tests use the rest")]
#[path = "../csi/scripted.rs"]
mod scripted;
mod translated;
