//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use flex2csi_translators::flex::MappingError;
use serde_saphyr::{Location, Spanned};

/// Why a configuration cannot be used. No message holds a value of the site's:
/// some are secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Everything that is wrong, a line for each; in the order of the files.
    #[error("{}", Lines(.0))]
    Wrong(Vec<Fault>),
    /// The check itself failed.
    #[error("{}: the check broke off: {reason}", file.display())]
    BrokeOff {
        /// The configuration.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", file.display())]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl From<MappingError> for Fault {
    fn from(error: MappingError) -> Self {
        Self {
            file: error.file.into(),
            line: error.line,
            column: error.column,
            message: error.message,
        }
    }
}

/// Collects what is wrong with one file.
#[derive(Debug)]
pub(super) struct Faults {
    file: PathBuf,
    faults: Vec<Fault>,
}

impl Faults {
    pub fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            faults: Vec::new(),
        }
    }

    pub fn on<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        self.push(self.fault_on(value, message));
    }

    pub fn at(&mut self, place: Location, message: impl Into<String>) {
        self.push(self.fault_at(place, message));
    }

    pub fn fault_on<T>(&self, value: &Spanned<T>, message: impl Into<String>) -> Fault {
        self.fault_at(value.referenced, message)
    }

    pub fn fault_at(&self, place: Location, message: impl Into<String>) -> Fault {
        fault(&self.file, place.line(), place.column(), message)
    }

    pub fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    pub fn into_error(mut self) -> ConfigError {
        self.faults.sort();
        ConfigError::Wrong(self.faults)
    }
}

/// A fault at a place from 1; where none is known, at the start.
pub(super) fn fault(file: &Path, line: u64, column: u64, message: impl Into<String>) -> Fault {
    Fault {
        file: file.to_owned(),
        line: line.max(1),
        column: column.max(1),
        message: message.into(),
    }
}

struct Lines<'f>(&'f [Fault]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        Ok(())
    }
}
