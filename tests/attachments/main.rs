//! Attaching, publishing and releasing, against an API server in memory that can
//! fail at any request.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod api_server;
mod attach;
mod cut;
mod detach;
mod hand_over;
mod leader;
mod node_volumes;
mod originals;
mod release;
mod rig;
