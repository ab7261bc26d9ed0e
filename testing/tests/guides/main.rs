//! The guides of `docs/guides`, followed from audit to uninstall: every command as it
//! stands there, in a cluster with a real API server and real controllers. Kubelet,
//! which is not there, is played: it runs the Job's program as the pod would.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod followed;
mod on_nodes;
mod page;
mod played;
mod site;
mod volumes;
