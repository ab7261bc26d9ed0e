//! `flex2csi rewrite`, `rollback` and `status` against an API server in this process,
//! behind which controllers do their part.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod bad_plan;
mod changed_meanwhile;
mod cluster;
mod diff;
mod display;
mod exit_codes;
mod fence;
mod limits;
#[path = "../plan/memory.rs"]
mod memory;
mod merge_patch;
mod refused;
mod rig;
mod scale;
mod secrets;
#[path = "../plan/served.rs"]
mod served;
mod shares;
mod signals;
mod status;
mod store;
mod there_and_back;
mod two_at_once;
mod via_endpoint;
