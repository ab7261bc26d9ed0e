//! `flex2csi node` and `flex2csi controller` as processes: in front of a scripted
//! backend, called as kubelet and the sidecars call them.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

mod backend_process;
#[expect(dead_code, reason = "the endpoint's tests use the rest")]
#[path = "../csi/caller.rs"]
mod caller;
mod cancelled;
mod configured;
mod daemon;
mod documents;
mod ending;
mod flags;
mod health;
mod http;
mod killed;
mod kubelet;
mod lookup;
mod registration;
mod reload;
#[path = "../csi/rpcs.rs"]
mod rpcs;
#[expect(dead_code, reason = "the endpoint's tests use the rest")]
#[path = "../csi/scripted.rs"]
mod scripted;
mod site;
mod sockets;
mod undecided;
