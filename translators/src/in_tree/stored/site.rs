//! Values that only the site knows: how sources declare and ask for them.

use std::borrow::Cow;

use super::About;
use crate::error::Error;
use crate::json::Path;
use crate::values::{ValueKind, ValueSpec};

/// Declares a text.
pub(crate) fn text(name: &'static str, required: bool, help: &'static str) -> ValueSpec {
    value(name, ValueKind::Text, required, None, help)
}

/// Declares a table of texts.
pub(crate) fn table(name: &'static str, required: bool, help: &'static str) -> ValueSpec {
    value(name, ValueKind::Table, required, None, help)
}

/// Declares one of several words, the first of which is taken without it.
pub(crate) fn choice(name: &'static str, words: &[&'static str], help: &'static str) -> ValueSpec {
    let default = words.first().copied();
    let words = words.iter().copied().map(Cow::Borrowed).collect();
    value(name, ValueKind::Choice(words), false, default, help)
}

/// Declares a value.
pub(crate) fn value(
    name: &'static str,
    kind: ValueKind,
    required: bool,
    default: Option<&'static str>,
    help: &'static str,
) -> ValueSpec {
    ValueSpec {
        name: name.into(),
        kind,
        required,
        unless: None,
        default: default.map(Cow::Borrowed),
        help: help.into(),
    }
}

/// The error for a value that the file does not have.
pub(crate) fn missing(about: &About, name: &str) -> Error {
    let help = help(about, name).into_owned();
    error(about, name, help)
}

/// The error for a table that has no entry for `key`.
pub(crate) fn missing_entry(about: &About, name: &str, key: &str) -> Error {
    let help = format!("an entry for {key:?}: {}", help(about, name));
    error(about, name, help)
}

fn error(about: &About, name: &str, help: String) -> Error {
    Error::MissingValue {
        path: Path::default(),
        driver: about.driver.unwrap_or(about.plugin).into(),
        source_name: about.field.to_owned(),
        value: name.to_owned(),
        help,
    }
}

fn help(about: &About, name: &str) -> Cow<'static, str> {
    let specs = (about.values)();
    let spec = specs.into_iter().find(|spec| spec.name == name);
    spec.map(|spec| spec.help).unwrap_or_default()
}
