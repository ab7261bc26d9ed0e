//! What the daemons count, for Prometheus. `docs/operations.md` lists it.
//!
//! A part takes its handle once, and counts through it: a call costs a few
//! atomic operations and two looks at the clock, and no look-up by its labels.

mod backend;
mod build;
mod calls;
mod code;
mod door;
mod flag;
mod node;
mod process;
mod registry;
mod reloads;

pub use backend::BackendMetrics;
pub use calls::{CallTimer, Calls, Rpc};
pub use door::Door;
pub use flag::Flag;
pub use node::{Counts, NodeMetrics};
pub use registry::{CONTENT_TYPE, Metrics};
pub use reloads::Reloads;
