//! Volumes rewritten under the pods that use them, on a real control plane with the real
//! attach/detach controller and external-attacher. The tests play kubelet and the node
//! daemon: what those do on a node is told in docs/testing.md's tier 3.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod in_tree;
mod kubelet;
mod pinned;
mod site;
