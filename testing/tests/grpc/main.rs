//! Our sockets, called by real grpc-go clients, old and new.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod callers;
mod identity;
mod kubelets;
