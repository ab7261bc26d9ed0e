//! The pieces that an input falls into.

use super::Error;

/// A stretch of an input. All pieces of an input, one after the other, are the
/// input, byte for byte.
#[derive(Debug)]
pub enum Piece<'a> {
    /// White space, separators, comments between documents, a list's own text:
    /// to be copied.
    Between(&'a [u8]),
    /// One object. Only brackets and strings were looked at: its text may still
    /// not parse, or not be UTF-8.
    Object {
        /// From its first byte to its last.
        text: &'a [u8],
        /// The line of its first byte, from 1.
        line: u64,
        /// The text starts with a `---` line of its own (YAML with directives,
        /// or with something behind the `---`): what replaces it has to as well.
        own_marker: bool,
        /// Set for an item of a list.
        list: Option<ListItem<'a>>,
    },
    /// What could not be read, to be copied as it is.
    Broken {
        /// From where it went wrong, or from the start of the object in which
        /// it did.
        text: &'a [u8],
        /// The line of its first byte, from 1.
        line: u64,
        /// What is wrong; `None` if this goes on from the piece before.
        error: Option<Error>,
    },
}

impl<'a> Piece<'a> {
    /// The piece as it was in the input.
    pub fn text(&self) -> &'a [u8] {
        match self {
            Self::Between(text) | Self::Object { text, .. } | Self::Broken { text, .. } => text,
        }
    }
}

/// The list that an item comes from, as far as it is known when the item is
/// read: kubectl writes a list's kind behind its items, the API before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListItem<'a> {
    /// The list's kind, such as `List` or `PersistentVolumeList`.
    pub kind: Option<&'a str>,
    /// The list's apiVersion.
    pub api_version: Option<&'a str>,
}

impl<'a> ListItem<'a> {
    /// The kind of the items, for those that carry none: the API leaves it out
    /// in a typed list. `None` for a plain `List`.
    pub fn item_kind(&self) -> Option<&'a str> {
        self.kind?
            .strip_suffix("List")
            .filter(|kind| !kind.is_empty())
    }
}
