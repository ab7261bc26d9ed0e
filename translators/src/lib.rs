//! Translates Kubernetes volumes in legacy form, FlexVolume and in-tree, to
//! CSI and back. Pure: no I/O, no clock, no async.
//!
//! Objects are edited as JSON text ([`json`]): what is not understood is
//! copied as written.

pub mod attachment;
pub mod context;
pub mod csi_volume;
pub mod digest;
pub mod endpoint;
pub mod error;
pub mod flex;
pub mod in_tree;
pub mod json;
pub mod kind;
pub mod note;
pub mod outcome;
pub mod plan;
pub mod rewrite;
pub mod source;
pub mod storage_class;
pub mod values;

mod claim;
mod inline_volume;
mod persistent_volume;
mod shape;
mod snapshot_content;
mod stored_volume;
mod translate;
mod workload;

pub use context::{ClaimRef, Context, Direction, Target};
pub use error::Error;
pub use kind::Kind;
pub use note::{Code, Note, Severity};
pub use outcome::Outcome;
pub use shape::parse;
pub use translate::{translate, translate_as};
pub use values::Values;
