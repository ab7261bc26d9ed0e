//! Which notes are worth putting into words: a person is shown the first few of
//! each code, and a million volumes have a note or two each.

use std::collections::BTreeMap;

use flex2csi_translators::{Code, Note, Severity};

/// Who reads the notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// A report: every note.
    Report,
    /// A person: the first few of each code.
    Person,
    /// Nobody: failures alone are said.
    Nobody,
}

/// How many notes of one code a person is shown; the report has all.
pub fn shown(severity: Severity) -> u64 {
    match severity {
        Severity::Block | Severity::Warn => 20,
        Severity::Info => 3,
    }
}

/// How many notes of a code were left to a count.
pub type Counts = BTreeMap<Code, u64>;

/// What one worker has told so far. The first few of all workers together hold
/// the first few of the input.
#[derive(Debug, Default)]
pub struct NotesTold(Counts);

impl NotesTold {
    /// The notes to be put into words; the others are added to `hidden`.
    pub fn pick<'n>(
        &mut self,
        notes: &'n [Note],
        readers: Readers,
        hidden: &mut Counts,
    ) -> Vec<&'n Note> {
        let mut picked = Vec::new();
        for note in notes {
            let count = self.0.entry(note.code).or_default();
            *count += 1;
            let wanted = match readers {
                Readers::Report => true,
                Readers::Person => *count <= shown(note.severity),
                Readers::Nobody => false,
            };
            if wanted || note.severity == Severity::Block {
                picked.push(note);
            } else {
                *hidden.entry(note.code).or_default() += 1;
            }
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use flex2csi_translators::json::Path;

    use super::*;

    #[test]
    fn a_person_is_shown_the_first_few_and_a_report_all() {
        let note = Note::new(Code::ProvisionerChanged, Path::default(), "");
        let notes = vec![note; 10];
        for (readers, expected) in [
            (Readers::Report, 10),
            (Readers::Person, 3),
            (Readers::Nobody, 0),
        ] {
            let mut hidden = Counts::new();
            let picked = NotesTold::default().pick(&notes, readers, &mut hidden);
            assert_eq!(picked.len(), expected, "{readers:?}");
            let counted = hidden.values().sum::<u64>() as usize;
            assert_eq!(picked.len() + counted, notes.len());
        }
    }
}
