//! JSON as it was written: objects are opened member by member, and what is
//! not opened stays a borrowed slice of the input, copied as it stands.
//!
//! That is what keeps unknown fields, number spellings, member order and white
//! space through a translation, and it is also the fast way: the text is read
//! once, and what is still as it was written goes out in as few pieces as there
//! are changes between ([`copy`]). Nobody has to say what has changed: a value is
//! as it was if its text is the very text that stands there.

mod copy;
mod error;
mod layout;
mod object;
mod parse;
mod path;
mod scan;
mod shape;
mod surrogates;
mod value;
mod write;

pub use error::{At, JsonError, Problem};
pub use layout::Layout;
pub use object::{Member, Object};
pub use path::Path;
pub use shape::Shape;
pub use value::Value;

#[cfg(test)]
mod tests;
