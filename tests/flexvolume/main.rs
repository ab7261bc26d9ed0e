//! `flex2csi node` and `flex2csi hostpath` as processes, and the exec binary called
//! as kubelet calls it: what is mounted, recorded and left, whatever happens.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod cluster;
mod kubelet;
#[path = "../hostpath/left.rs"]
mod left;
mod node;
mod process;
mod tier_1;
