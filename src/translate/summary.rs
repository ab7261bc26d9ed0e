//! How many objects became what.

use std::fmt;
use std::ops::AddAssign;

use flex2csi_translators::{Code, Outcome};

/// How many objects became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Translated.
    pub changed: u64,
    /// Legacy, and kept as they are.
    pub kept: u64,
    /// Nothing to translate in them.
    pub untouched: u64,
    /// Not translated though they should have been.
    pub failed: u64,
    /// New objects beside others.
    pub new: u64,
}

impl Summary {
    /// Counts an object that did not fail.
    pub fn count(&mut self, outcome: &Outcome<'_>) {
        self.new += outcome.extra.len() as u64;
        let kept = |code| matches!(code, Code::Kept | Code::InlineKept | Code::UnknownSource);
        if outcome.changed {
            self.changed += 1;
        } else if outcome.notes.iter().any(|note| kept(note.code)) {
            self.kept += 1;
        } else {
            self.untouched += 1;
        }
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.changed += other.changed;
        self.kept += other.kept;
        self.untouched += other.untouched;
        self.failed += other.failed;
        self.new += other.new;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} translated, {} kept, {} untouched, {} failed; {} new beside them",
            self.changed, self.kept, self.untouched, self.failed, self.new
        )
    }
}
