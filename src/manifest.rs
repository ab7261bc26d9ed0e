//! Manifests in and out: bytes to pieces, and YAML to JSON and back.
//!
//! The pieces of an input, in order, are the input: what nobody changes is
//! written again as it was read, and nothing is lost on the way, not even what
//! cannot be parsed. A YAML document is made JSON with [`yaml::to_json`] to be
//! worked on, and written with [`yaml::from_json`] if it changed; a YAML `List`
//! is one document, so it goes through [`JsonSplitter`] once it is JSON.

mod buffer;
mod error;
mod json_stream;
mod json_text;
mod objects;
mod piece;
mod reader;
mod sources;
pub mod yaml;
mod yaml_documents;

pub use error::{Error, Place};
pub use json_stream::JsonSplitter;
pub use objects::{Found, Seen, each_object};
pub use piece::{ListItem, Piece};
pub use reader::{Format, Reader, open};
pub use sources::{Source, expand};
pub use yaml_documents::YamlSplitter;

/// The largest single object or YAML document, in bytes, unless a reader is
/// told otherwise. etcd takes 1.5 MiB for an object; this is for what people
/// collect in one file.
pub const DEFAULT_LIMIT: usize = 64 << 20;

/// The deepest nesting that is read: serde_json's own limit.
pub const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests;
