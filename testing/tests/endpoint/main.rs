//! The CSI endpoint in front of the embedded backend, with real mounts.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod cluster;
mod readme;
mod rig;
mod rights;
mod sanity;
mod volumes;
