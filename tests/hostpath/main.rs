//! The embedded backend as a process, with real mounts and real ends.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod content;
mod left;
mod server;
mod tier_1;
