//! Real Kubernetes components on one machine, for the tests.
//!
//! [`Cluster`] is a control plane of a test's own: etcd and kube-apiserver on
//! free ports, with their files in a temporary directory, gone with the handle
//! or with the test process, whatever ends it. `testing/run` prepares what a
//! tier needs and runs its tests; see `docs/testing.md`.

pub mod account;
pub mod api;
pub mod apiserver;
pub mod applied;
pub mod audit;
pub mod cluster;
pub mod component;
pub mod controller_manager;
pub mod csi_sanity;
pub mod deployed;
pub mod dry_run;
pub mod error;
pub mod etcd;
pub mod fleet;
pub mod grpc_client;
pub mod grpc_server;
pub mod history;
pub mod kubeconfig;
pub mod lab;
pub mod left;
pub mod oracle;
pub mod order;
pub mod overlaid;
pub mod ports;
pub mod process;
pub mod programs;
pub mod provisioner;
pub mod proxy;
pub mod rewrite_account;
pub mod rewriter;
pub mod rights;
pub mod seed;
pub mod served;
pub mod tool;
pub mod users;

pub use cluster::{Cluster, Setup};
pub use error::StartError;
pub use lab::Lab;
