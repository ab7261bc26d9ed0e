//! Pods on real kubelets.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod nodes;
mod shim;
