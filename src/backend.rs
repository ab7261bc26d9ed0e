//! The real CSI driver behind a door: its socket, reached again whenever it
//! comes back, and checked to be the driver that it has to be.

mod connection;
mod error;
mod identity;
mod last_words;
mod reach;
mod request_body;

pub use connection::Connection;
pub use error::{BackendError, is_reset};
pub use reach::Backend;
