//! The rewrite of one stored object in a live cluster, as a pure state machine:
//! what is recorded of it, what can be seen of it, and the one next thing to do.
//!
//! [`next`] is the whole protocol (docs/rewrite-protocol.md). Who carries its actions
//! out needs to know nothing about volumes.

pub mod names;

mod action;
mod body;
mod next;
mod pins;
mod preview;
mod record;
mod task;
mod view;
mod world;

pub use action::{Action, Awaited, Change, Look, Stop, StopCode};
pub use next::{abandon, is_armed, next};
pub use pins::{Pin, PinCall, PinPart, PinSettings};
pub use preview::{Preview, preview};
pub use record::{Direction, Record, RecordError, Spec, Status, Step};
pub use task::{AnnotationChange, ClaimId, InUse, ObjectKind, Task};
pub use view::View;
pub use world::{Glimpsed, Use, World};

#[cfg(test)]
mod tests;
