//! What a translation gives back.

use crate::json::Object;
use crate::note::Note;

/// What became of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    /// The object, translated or as it was.
    pub object: Object<'a>,
    /// Whether the object is another than it was; if not, its text can be
    /// copied as it stands.
    pub changed: bool,
    /// New objects beside it: volumes and claims of inline volumes, Secrets.
    pub extra: Vec<Object<'static>>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

impl<'a> Outcome<'a> {
    /// The object as it was.
    pub fn unchanged(object: Object<'a>) -> Self {
        Self {
            object,
            changed: false,
            extra: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A translated object with nothing to say about it.
    pub fn changed(object: Object<'a>) -> Self {
        Self {
            changed: true,
            ..Self::unchanged(object)
        }
    }
}
