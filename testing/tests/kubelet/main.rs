//! Pods on real kubelets.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod after;
mod attaching;
mod churn;
mod denied;
mod disturbed;
mod ebs;
mod endpoint;
mod grown;
mod job;
mod jobs;
mod killing;
mod legacy;
mod lost;
mod nodes;
mod operator;
mod original;
mod posing;
mod restarted;
mod rewritten;
mod secrets;
mod shim;
mod writer;
