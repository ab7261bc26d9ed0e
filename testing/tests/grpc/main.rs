//! Our sockets, called by real grpc-go clients, old and new, and grpc-go servers
//! behind the endpoint.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod backend;
mod callers;
mod identity;
mod kubelets;
