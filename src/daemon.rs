//! What every daemon starts and ends with.

mod runtime;
mod signals;

pub use runtime::run;
pub use signals::{hangups, shutdown};
