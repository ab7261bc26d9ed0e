//! Real Kubernetes components on one machine, for the tests.
//!
//! [`Cluster`] is a control plane of a test's own: etcd and kube-apiserver on
//! free ports, with their files in a temporary directory, gone with the handle
//! or with the test process, whatever ends it. `testing/run` prepares what a
//! tier needs and runs its tests; see `docs/testing.md`.

pub mod account;
pub mod apiserver;
pub mod applied;
pub mod audit;
pub mod cluster;
pub mod csi_sanity;
pub mod dry_run;
pub mod error;
pub mod etcd;
pub mod grpc_client;
pub mod grpc_server;
pub mod kubeconfig;
pub mod left;
pub mod oracle;
pub mod ports;
pub mod process;
pub mod programs;
pub mod served;

pub use cluster::Cluster;
pub use error::StartError;
