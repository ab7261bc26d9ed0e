//! What the daemons log: events of `tracing`, as text or as JSON lines, on
//! standard error. How much can change while they run.

mod format;
mod handle;
mod level;

pub use format::Format;
#[cfg(test)]
pub(crate) use handle::subscriber;
pub use handle::{Handle, InstallError, install};
pub use level::{Level, LevelError};
