//! What is not as it has to be.

use std::fmt;

/// How many findings a message shows.
const SHOWN: usize = 25;

/// Findings that must not be. Its `Debug` form is for people, since a test that
/// unwraps shows that one.
#[derive(Clone, PartialEq, Eq)]
pub struct Untrue(pub Vec<String>);

impl Untrue {
    /// A single finding.
    pub fn of(finding: impl fmt::Display) -> Self {
        Self(vec![finding.to_string()])
    }

    /// Whether there is none.
    ///
    /// # Errors
    /// There is one.
    pub fn none(findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() {
            Ok(())
        } else {
            Err(Self(findings))
        }
    }
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} findings", self.0.len())?;
        for finding in self.0.iter().take(SHOWN) {
            write!(f, "\n  {finding}")?;
        }
        if self.0.len() > SHOWN {
            write!(f, "\n  …")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Untrue {}
