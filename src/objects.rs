//! What is read of the objects of a cluster. Everything else in them is skipped.

pub mod claim;
pub mod class;
pub mod metadata;
pub mod node;
pub mod pod;
pub mod source;
pub mod translator;
pub mod volume;
