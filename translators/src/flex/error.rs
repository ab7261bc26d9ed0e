//! Why a mapping file was refused.

use serde_saphyr::{Location, Spanned};

use super::expression::Refused;
use crate::error::Error;
use crate::json::Path;

/// Why a mapping file was refused: where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct MappingError {
    /// The file's name as the caller gave it.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// The same before the file has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl Fault {
    pub fn at(location: Location, message: impl Into<String>) -> Self {
        Self {
            line: location.line().max(1),
            column: location.column().max(1),
            message: message.into(),
        }
    }

    pub fn on<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self::at(value.referenced, message)
    }

    /// An expression that was refused. A plain or quoted text on one line is
    /// pointed into; of a folded one, only its start is known.
    pub fn expression(source: &Spanned<String>, field: &str, refused: &Refused) -> Self {
        let mut fault = Self::on(source, format!("{field}: {}", refused.message));
        if refused.offset > 0 {
            let at = refused.offset + 1;
            fault.message = format!("{} (character {at} of the expression)", fault.message);
        }
        fault
    }

    /// What an object that needs the mapping fails with.
    pub fn in_mapping(&self, mapping: &str) -> Error {
        Error::Mapping {
            path: Path::default(),
            mapping: mapping.to_owned(),
            expression: format!("line {}", self.line),
            reason: self.message.clone(),
        }
    }

    pub fn in_file(self, file: &str) -> MappingError {
        MappingError {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            message: self.message,
        }
    }
}
