//! Attaching, publishing and releasing, against an API server in memory that can
//! fail at any request.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod api_server;
mod attach;
mod cut;
mod detach;
#[path = "../api_server/failure.rs"]
mod failure;
mod hand_over;
mod leader;
#[path = "../api_server/merge_patch.rs"]
mod merge_patch;
mod node_volumes;
mod originals;
#[path = "../api_server/query.rs"]
mod query;
mod release;
mod rig;
