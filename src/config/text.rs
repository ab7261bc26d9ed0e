//! From a file's text to what it says, without the rules beyond its form.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location};

use super::error::{Fault, fault};
use crate::manifest::{self, yaml};

/// The longest file, in bytes: as much as a ConfigMap or a Secret holds.
const LONGEST: u64 = 1 << 20;

/// What a file holds.
///
/// # Errors
/// Why it cannot be read, in words.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    // Opening a pipe would wait for whoever writes into it.
    if !std::fs::metadata(path).map_err(said)?.is_file() {
        return Err(format!("cannot read {}: not a file", path.display()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(said)?;
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(said)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{} has more than {LONGEST} bytes", path.display()));
    }
    Ok(bytes)
}

/// The bytes as text.
pub(super) fn utf8<'b>(file: &Path, bytes: &'b [u8]) -> Result<&'b str, Fault> {
    yaml::text(bytes, 1).map_err(|error| in_file(file, &error))
}

/// The text as JSON, as kubectl reads it.
pub(super) fn to_json(file: &Path, text: &str) -> Result<String, Fault> {
    yaml::to_json(text, 1).map_err(|error| in_file(file, &error))
}

fn in_file(file: &Path, error: &manifest::Error) -> Fault {
    let message = error.to_string();
    match error.place() {
        Some(at) => {
            let message = message.strip_prefix(&format!("{at}: ")).unwrap_or(&message);
            fault(file, at.line, at.column, message)
        }
        None => fault(file, 1, 1, message),
    }
}

/// What the text says.
pub(super) fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Fault> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let (place, message) = said(&error);
        fault(file, place.line(), place.column(), message)
    })
}

/// The parser's words in one line, without what stands in the file: a secret
/// may have come to the wrong place.
fn said(error: &Error) -> (Location, String) {
    let error = match error.without_snippet() {
        Error::AliasError { error, .. } => return said(error),
        error => error,
    };
    let place = error.location().unwrap_or(Location::UNKNOWN);
    let message = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let known = expected.join(", ");
            format!("unknown key `{field}`; known are: {known}")
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("expected {expected}")
        }
        Error::Unexpected { expected, .. } => format!("expected {}", plain(expected)),
        Error::InvalidScalar { ty, .. } => format!("expected {}", plain(ty)),
        Error::NullIntoString { .. } => format!("expected {}", plain("string scalar")),
        Error::InvalidBooleanStrict { .. } => "expected true or false".to_owned(),
        Error::NonFiniteFloat { .. } => {
            "a number that is too large; quotes make it a text".to_owned()
        }
        Error::QuotingRequired { .. } => "expected a text in quotes".to_owned(),
        Error::SerdeUnknownVariant { expected, .. } => {
            format!("expected one of {}", expected.join(", "))
        }
        error => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let end = line.find(" at line ").unwrap_or(line.len());
            line[..end].to_owned()
        }
    };
    (place, message)
}

/// The parser's names for what may stand in YAML, for people.
fn plain(expected: &str) -> &str {
    match expected {
        "string scalar" => "a text",
        "boolean" => "true or false",
        "sequence start" => "a list",
        "mapping start" => "keys with values",
        other => other,
    }
}
