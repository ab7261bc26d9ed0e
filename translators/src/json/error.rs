use super::Path;

/// What is wrong with a JSON text, and where in the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", place(.path))]
pub struct JsonError {
    /// The member that is wrong; empty for the whole object.
    pub path: Path,
    /// What is wrong with it.
    pub problem: Problem,
}

fn place(path: &Path) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" at {path}")
    }
}

/// The kinds of [`JsonError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not JSON. Line and column count from 1 inside the text.
    #[error("not valid JSON: {reason} (line {line}, column {column})")]
    Syntax {
        /// Line inside the text that was given, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the parser expected.
        reason: String,
    },
    /// One object has two members of one name; which one counts differs
    /// between readers, so neither is chosen.
    #[error("duplicate key {key:?}")]
    DuplicateKey {
        /// The key that stands there twice.
        key: String,
    },
    /// The value is nested deeper than any Kubernetes object.
    #[error("nested too deep")]
    TooDeep,
    /// The value has another JSON type than the Kubernetes API gives it.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the API has there.
        expected: &'static str,
        /// What the text has there; never the value itself.
        found: &'static str,
    },
}

/// The reason of a [`Problem::Syntax`] where more text stands behind the value.
pub(super) const TRAILING: &str = "trailing characters";

impl Problem {
    /// Whether the text starts with one whole value and goes on behind it.
    pub fn is_trailing(&self) -> bool {
        matches!(self, Self::Syntax { reason, .. } if reason == TRAILING)
    }
}

impl JsonError {
    /// A type error at a place that the caller names with [`JsonError::under`].
    pub(crate) fn expected(expected: &'static str, found: &'static str) -> Self {
        Self {
            path: Path::default(),
            problem: Problem::Type { expected, found },
        }
    }

    /// The same error, seen from the object that holds the member `key`.
    pub fn under(mut self, key: &str) -> Self {
        self.path.prepend(key);
        self
    }
}

/// Names the place of an error for the whole object.
pub trait At<T> {
    /// The same result, its error seen from the object that holds `path`.
    ///
    /// # Errors
    /// As before.
    fn at(self, path: &[&str]) -> Result<T, JsonError>;
}

impl<T> At<T> for Result<T, JsonError> {
    fn at(self, path: &[&str]) -> Result<T, JsonError> {
        self.map_err(|error| path.iter().rev().fold(error, |error, key| error.under(key)))
    }
}
