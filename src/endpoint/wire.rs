//! Protobuf messages as the bytes that they are: fields are looked at and
//! exchanged where they stand, and every other byte is copied as it came. A
//! message is never decoded, so nothing that we do not know is lost.

mod edit;
mod field;

pub use edit::{Exchange, add_text, map_entry, put, replace_at, replace_field};
pub use field::{Field, Malformed, fields, last_text, map_entries, texts_at};

#[cfg(test)]
mod tests;
