//! Unix sockets that serve gRPC: private from their first moment, for root and
//! our own user alone, and lenient with the authorities that kubelet sends.
//!
//! A socket is made in three steps. [`Place::claim`] takes the path: a lock
//! beside it keeps other daemons away, and nothing but a socket that nobody
//! serves is ever replaced. [`Listener::bind`] puts the socket there in one
//! rename, mode 0600, so that whoever watches the directory, as kubelet does,
//! sees it appear ready and never sees it go. [`Listener::accept`] lets root and
//! our own user in, and tells everybody else why not.
//!
//! Nothing is removed at the end: kubelet takes a removed registration socket
//! for a driver that is gone. [`Place::remove`] is for uninstalling.

pub mod authority;
mod backoff;
mod callers;
mod connection;
mod denial;
mod error;
mod incoming;
mod listener;
mod lock;
mod occupant;
pub mod path;
mod place;
mod private;
mod stream;

pub use connection::Connection;
pub use error::SocketError;
pub use listener::Listener;
pub use place::Place;
pub use stream::Stream;
