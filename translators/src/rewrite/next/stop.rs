//! Reasons to stop, in words.

use crate::rewrite::action::{Action, Stop, StopCode};
use crate::rewrite::record::Record;
use crate::rewrite::view::View;

/// The recipe for what no program may decide.
pub(super) const BY_HAND: &str =
    "its VolumeMigration has all of it: see \"By hand\" in docs/rewrite-protocol.md";

/// Stops, naming the object.
pub(super) fn stop(
    record: &Record,
    code: StopCode,
    what: &str,
    remedy: impl Into<String>,
) -> Action {
    Action::Stop(Stop {
        code,
        message: format!("{} {what}", record.subject()),
        remedy: remedy.into(),
    })
}

pub(super) fn foreign(record: &Record, object: View<'_>) -> Action {
    let what = format!(
        "was created by somebody else (uid {}): it is neither the original (uid {}) nor of this \
         rewrite",
        object.uid(),
        record.spec.uid
    );
    stop(
        record,
        StopCode::Foreign,
        &what,
        "find out who made it; if it is to stay, delete the VolumeMigration and plan anew",
    )
}
