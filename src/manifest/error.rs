//! What can be wrong with an input.

use std::{fmt, io, path::PathBuf};

/// Where in an input, both from 1; the column counts bytes in JSON and
/// characters in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line in the whole input, not in the document.
    pub line: u64,
    /// The column in that line.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why an input, or a part of it, cannot be read. The file's name is the
/// caller's to add.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading failed; nothing more comes.
    #[error("cannot read: {0}")]
    Read(#[source] io::Error),
    /// A source could not be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A source is not there.
    #[error("{} does not exist; give a file, a directory, or - for standard input", path.display())]
    Missing {
        /// As it was given.
        path: PathBuf,
    },
    /// A directory without a manifest.
    #[error("{} holds no manifest: no file in it ends in .json, .yaml or .yml", path.display())]
    NoManifests {
        /// The directory.
        path: PathBuf,
    },
    /// `-` was given more than once.
    #[error("standard input can be read only once: give - once")]
    StdinTwice,

    /// The input ends inside an object.
    #[error(
        "{at}: the input ends inside the object that starts on line {opened}; it was cut short"
    )]
    Truncated {
        /// The end of the input.
        at: Place,
        /// The line of the object's first byte.
        opened: u64,
    },
    /// A closing bracket that closes something else.
    #[error(
        "{at}: '{found}' where '{expected}' has to close first, in the object that starts on line {opened}"
    )]
    Bracket {
        /// The bracket.
        at: Place,
        /// What is there.
        found: char,
        /// What would close the innermost open bracket.
        expected: char,
        /// The line of the object's first byte.
        opened: u64,
    },
    /// A new object starts where the one before cannot have ended.
    #[error(
        "{at}: a new object starts here, but the one that starts on line {opened} is not closed"
    )]
    NotClosed {
        /// The new object.
        at: Place,
        /// The line of the open object's first byte.
        opened: u64,
    },
    /// A line break inside a JSON string.
    #[error("{at}: line break inside a string; close the string, or write the break as \\n")]
    LineBreakInString {
        /// The line break.
        at: Place,
    },
    /// Something other than an object between objects.
    #[error("{at}: {found} where an object has to start{hint}")]
    Stray {
        /// The first such byte.
        at: Place,
        /// What is there, for people.
        found: String,
        /// What may have been meant, starting with `; `, or nothing.
        hint: &'static str,
    },
    /// Something other than `,` or `]` after a list's item.
    #[error("{at}: {found} in a list, where {expected} has to come")]
    ListSeparator {
        /// The first such byte.
        at: Place,
        /// What is there, for people.
        found: String,
        /// What a list allows there.
        expected: &'static str,
    },
    /// Nested deeper than anything that Kubernetes stores.
    #[error("{at}: nested deeper than {limit} levels")]
    TooDeep {
        /// The bracket that goes too far.
        at: Place,
        /// The limit, in levels.
        limit: usize,
    },
    /// A JSON object that does not fit.
    #[error(
        "line {line}: the object that starts here is larger than {} MiB; a List is read item by item if its kind comes before its items, or its items have kinds", limit >> 20
    )]
    ObjectTooLarge {
        /// The line of its first byte.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A YAML document that does not fit.
    #[error(
        "line {line}: the YAML document that starts here is larger than {} MiB; give it as JSON (kubectl get -o json), whose lists are read item by item", limit >> 20
    )]
    DocumentTooLarge {
        /// The line of its first byte.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },

    /// Bytes that are not UTF-8.
    #[error("{at}: not UTF-8; save the file as UTF-8")]
    Utf8 {
        /// The first such byte.
        at: Place,
    },
    /// Not YAML, in the parser's words.
    #[error("{at}: {message}")]
    Yaml {
        /// What the parser points to.
        at: Place,
        /// What it says.
        message: String,
    },
    /// A key that a mapping already has. kubectl silently takes the last.
    #[error("{at}: the key {key:?} is already there, on line {first}; keep one of them")]
    DuplicateKey {
        /// The second.
        at: Place,
        /// The key.
        key: String,
        /// The line of the first.
        first: u64,
    },
    /// A key that JSON has no form for.
    #[error("{at}: {found} as a key; a key has to be a string, a number or a boolean")]
    Key {
        /// The key.
        at: Place,
        /// What it is.
        found: &'static str,
    },
    /// A value that its own tag, or JSON, does not allow. It may be a secret, so
    /// it is not shown.
    #[error("{at}: this value {problem}")]
    Value {
        /// The value.
        at: Place,
        /// What is wrong, to be read after "this value".
        problem: String,
    },
    /// `<<` with something that cannot be merged.
    #[error("{at}: << takes a mapping, or a list of mappings")]
    Merge {
        /// The merge key.
        at: Place,
    },
    /// An alias inside the node that it names.
    #[error("{at}: this alias is inside the node that it repeats")]
    AliasCycle {
        /// The alias.
        at: Place,
    },
    /// Aliases that repeat too much.
    #[error("{at}: the aliases of this document repeat more than {} MiB; write it out", limit >> 20)]
    AliasExpansion {
        /// The alias that goes too far.
        at: Place,
        /// The limit in bytes.
        limit: usize,
    },
    /// Text that had to be JSON and is not.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
}

impl Error {
    /// The place with which the message starts, if it does.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Truncated { at, .. }
            | Self::Bracket { at, .. }
            | Self::NotClosed { at, .. }
            | Self::LineBreakInString { at }
            | Self::Stray { at, .. }
            | Self::ListSeparator { at, .. }
            | Self::TooDeep { at, .. }
            | Self::Utf8 { at }
            | Self::Yaml { at, .. }
            | Self::DuplicateKey { at, .. }
            | Self::Key { at, .. }
            | Self::Value { at, .. }
            | Self::Merge { at }
            | Self::AliasCycle { at }
            | Self::AliasExpansion { at, .. } => Some(*at),
            _ => None,
        }
    }
}
