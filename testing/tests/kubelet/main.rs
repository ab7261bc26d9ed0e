//! Pods on real kubelets.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod churn;
mod disturbed;
mod in_tree;
mod killing;
mod lost;
mod nodes;
mod original;
mod rewritten;
mod shim;
mod writer;
