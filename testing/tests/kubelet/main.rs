//! Pods on real kubelets.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod after;
mod churn;
mod disturbed;
mod ebs;
mod killing;
mod legacy;
mod lost;
mod nodes;
mod operator;
mod original;
mod restarted;
mod rewritten;
mod shim;
mod writer;
