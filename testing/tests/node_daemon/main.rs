//! The whole node daemon in a cluster: a real API server with what `deploy/` puts
//! there, the embedded CSI driver with the real external-attacher, and kubelet's
//! calls of the installed exec binary.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod as_root;
#[expect(dead_code, reason = "another test has more of it")]
#[path = "../../../tests/flexvolume/cluster.rs"]
mod cluster;
#[path = "../node_attachments/deployed.rs"]
mod deployed;
#[path = "../../../tests/flexvolume/kubelet.rs"]
mod kubelet;
#[path = "../../../tests/hostpath/left.rs"]
mod left;
mod node;
mod objects;
