//! The plan file: a stream of YAML documents, one of the plan as a whole, one for
//! each object, and one that closes it. Each carries a checksum of all of itself
//! but the options, so that what a person did not mean to change is noticed, and
//! what is missing too.

mod document;
mod error;
mod read;
mod write;

pub use document::{End, Head};
pub use error::PlanFileError;
pub use read::PlanFile;
pub use write::Writer;

#[cfg(test)]
mod tests;
