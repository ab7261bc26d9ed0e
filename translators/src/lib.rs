//! Translates Kubernetes volumes in legacy form, FlexVolume and in-tree, to
//! CSI and back. Pure: no I/O, no clock, no async.
//!
//! Objects are edited as JSON text ([`json`]): what is not understood is
//! copied as written.

pub mod context;
pub mod error;
pub mod flex;
pub mod in_tree;
pub mod json;
pub mod note;
pub mod outcome;
pub mod storage_class;
pub mod values;

pub use context::{ClaimRef, Context, Direction, Target};
pub use error::Error;
pub use note::{Code, Note, Severity};
pub use outcome::Outcome;
pub use values::Values;
