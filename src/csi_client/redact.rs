//! Drivers that quote what they were given, as in the command line of a mount
//! program that failed.

use std::collections::BTreeMap;

use super::CsiError;

/// Shorter values stand in too much that is no secret (bytes).
const SHORTEST: usize = 4;

/// Takes the values of Secrets out of what a driver says.
pub(super) fn redact(error: CsiError, secrets: &BTreeMap<String, String>) -> CsiError {
    let CsiError::Status {
        driver,
        rpc,
        code,
        mut message,
    } = error
    else {
        return error;
    };
    let mut values: Vec<&str> = secrets.values().map(|value| value.trim()).collect();
    // One can be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        if value.len() >= SHORTEST && message.contains(value) {
            message = message.replace(value, "[secret]");
        }
    }
    CsiError::Status {
        driver,
        rpc,
        code,
        message,
    }
}
