//! Whether the daemon is ready, and if not, why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest reason, in bytes: some hold what a backend says.
const LONGEST: usize = 1024;

/// What has to be so for the daemon to be ready.
#[derive(Debug, Clone, Default)]
pub struct Conditions(Arc<Mutex<BTreeMap<String, State>>>);

type State = Result<(), String>;

impl Conditions {
    /// One more condition, as `backend ebs.csi.aws.com`, not met so far. Of two
    /// of one name the later takes the place of the earlier.
    pub fn add(&self, name: impl Into<String>) -> Condition {
        let condition = Condition {
            name: name.into(),
            all: self.clone(),
        };
        condition.not_met("not known yet");
        condition
    }

    /// Whether all are met, and a line for each.
    pub fn report(&self) -> (bool, String) {
        let states = self.locked();
        let mut report = String::new();
        for (name, state) in states.iter() {
            // Writing to a string cannot fail.
            let _ = match state {
                Ok(()) => writeln!(report, "[+]{name} ok"),
                Err(reason) => writeln!(report, "[-]{name} failed: {reason}"),
            };
        }
        (states.values().all(Result::is_ok), report)
    }

    fn set(&self, name: &str, state: State) {
        self.locked().insert(name.to_owned(), state);
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One condition, for whoever knows whether it is met.
#[derive(Debug, Clone)]
pub struct Condition {
    name: String,
    all: Conditions,
}

impl Condition {
    /// It is met.
    pub fn met(&self) {
        self.all.set(&self.name, Ok(()));
    }

    /// It is not met. The reason is shown to everybody who may ask; it becomes
    /// one line.
    pub fn not_met(&self, reason: impl AsRef<str>) {
        self.all.set(&self.name, Err(one_line(reason.as_ref())));
    }
}

fn one_line(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    let line = text[..end].trim_end();
    line.replace(|character: char| character.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_to_be_met() {
        let conditions = Conditions::default();
        let backend = conditions.add("backend/a.b");
        let config = conditions.add("config");
        let report = "[-]backend/a.b failed: not known yet\n[-]config failed: not known yet\n";
        assert_eq!(conditions.report(), (false, report.to_owned()));
        backend.met();
        config.met();
        let report = "[+]backend/a.b ok\n[+]config ok\n";
        assert_eq!(conditions.report(), (true, report.to_owned()));
        backend.not_met("connection refused");
        let report = "[-]backend/a.b failed: connection refused\n[+]config ok\n";
        assert_eq!(conditions.report(), (false, report.to_owned()));
    }

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        let conditions = Conditions::default();
        let condition = conditions.add("a");
        condition.not_met("line 1\nline 2\r\n\u{1b}[31m");
        let (_, report) = conditions.report();
        assert_eq!(report, "[-]a failed: line 1 line 2   [31m\n");
        condition.not_met("ä".repeat(100_000));
        let (_, report) = conditions.report();
        assert!(report.len() < LONGEST + 20 && report.lines().count() == 1);
    }
}
