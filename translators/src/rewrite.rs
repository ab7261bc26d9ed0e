//! The rewrite of one stored object in a live cluster, as a pure state machine:
//! what is recorded of it, what can be seen of it, and the one next thing to do.

mod task;

pub use task::{AnnotationChange, ClaimId, InUse, ObjectKind, Task};
