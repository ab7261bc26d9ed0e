//! The listener for whoever runs a daemon: metrics, health, and how much is
//! logged. `docs/operations.md` explains it.

mod conditions;
mod error;
mod listen;
mod log_level;
mod routes;
mod server;

pub use conditions::{Condition, Conditions};
pub use error::OperationsError;
pub use listen::{Listen, ListenError};
pub use routes::Operations;
pub use server::Server;
