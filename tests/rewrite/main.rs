//! `flex2csi rewrite`, `rollback` and `status` against an API server in this process,
//! behind which controllers do their part.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod bad_plan;
mod changed_meanwhile;
mod cluster;
mod diff;
mod display;
mod exit_codes;
#[path = "../api_server/failure.rs"]
mod failure;
mod fence;
mod limits;
#[path = "../plan/memory.rs"]
mod memory;
#[path = "../api_server/merge_patch.rs"]
mod merge_patch;
#[path = "../api_server/query.rs"]
mod query;
mod refused;
mod rig;
mod scale;
mod secrets;
#[path = "../api_server/served.rs"]
mod served;
mod shares;
mod signals;
mod status;
mod store;
mod there_and_back;
mod told;
mod two_at_once;
mod via_endpoint;
