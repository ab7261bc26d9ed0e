//! JSON as it was written: objects are opened member by member, and what is
//! not opened stays a borrowed slice of the input, copied as it stands.
//!
//! That is what keeps unknown fields, number spellings and member order
//! through a translation, and it is also the fast way: a PersistentVolume of
//! 1 KB is scanned about twice and never built as a tree.

mod error;
mod object;
mod parse;
mod path;
mod scan;
mod surrogates;
mod value;
mod write;

pub use error::{At, JsonError, Problem};
pub use object::{Layout, Member, Object};
pub use path::Path;
pub use value::Value;

#[cfg(test)]
mod tests;
