//! Unix sockets that serve gRPC: private from their first moment, for root and
//! our own user alone, and lenient with the authorities that kubelet sends.

pub mod authority;
mod connection;
mod listener;

pub use connection::Connection;
pub use listener::{Listener, SocketError};
