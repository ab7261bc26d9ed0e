//! Values: what a translation needs and only the site knows.
//!
//! One file and one schema for the command line, the daemon and the Job: a
//! section for each source, named as `flex2csi drivers` names it, with the keys
//! that this source declares and no others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::{JsonError, Object, Value};

/// One value as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SiteValue {
    /// `translate: true`
    Switch(bool),
    /// `clusterID: b9127830-…`
    Text(String),
    /// `volumes: {name-in-the-object: id-in-the-backend}`
    Table(BTreeMap<String, String>),
}

/// What kind of value a source declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueKind {
    /// Any text that is not empty.
    Text,
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Choice(Vec<Cow<'static, str>>),
    /// A table of texts.
    Table,
}

/// A value that a source declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueSpec {
    /// The key in the source's section.
    pub name: Cow<'static, str>,
    /// What may stand there.
    pub kind: ValueKind,
    /// Whether nothing can be translated without it.
    #[serde(default)]
    pub required: bool,
    /// Another value that makes up for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Cow<'static, str>>,
    /// What is taken without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Cow<'static, str>>,
    /// What it is and where to find it, in a sentence.
    pub help: Cow<'static, str>,
}

/// The site's values, by source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, BTreeMap<String, SiteValue>>);

/// What is wrong with a values file. Messages never hold a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// The text is not an object of objects.
    #[error("not a values file: {0}; expected a section for each source, `name: {{key: value}}`")]
    NotValues(JsonError),
    /// The section belongs to no source.
    #[error("unknown section `{section}`; known are: {known}")]
    UnknownSection {
        /// As written.
        section: String,
        /// The sources that take values.
        known: String,
    },
    /// The source declares no such key.
    #[error("unknown key `{section}.{key}`; known are: {known}")]
    UnknownKey {
        /// As written.
        section: String,
        /// As written.
        key: String,
        /// The keys that the source takes.
        known: String,
    },
    /// The value is of another kind than declared.
    #[error("`{section}.{key}` has to be {expected}")]
    WrongKind {
        /// As written.
        section: String,
        /// As written.
        key: String,
        /// What may stand there.
        expected: String,
    },
}

/// What may stand in any section.
const ANY_KIND: &str = "a text, true or false, or a table of texts; numbers go in quotes";
const TABLE_KIND: &str = "a text; numbers go in quotes";

impl Values {
    /// Reads a values file in JSON; `null`, the empty YAML file, has no values.
    ///
    /// ```
    /// use flex2csi_translators::Values;
    ///
    /// let values = Values::parse(r#"{"rbd": {"form": "static"}}"#)?;
    /// assert_eq!(values.text("rbd", "form"), Some("static"));
    /// # Ok::<(), flex2csi_translators::values::ValuesError>(())
    /// ```
    ///
    /// # Errors
    /// The text is not an object of objects, or a value in it is none that any
    /// source declares, as a number or a list.
    pub fn parse(text: &str) -> Result<Self, ValuesError> {
        let mut values = Self::default();
        if text.trim_ascii() == "null" {
            return Ok(values);
        }
        let mut sections = Object::parse(text).map_err(ValuesError::NotValues)?;
        for name in keys(&sections) {
            let entries = values.0.entry(name.clone()).or_default();
            let opened = sections.object(&name).map_err(ValuesError::NotValues)?;
            let Some(section) = opened else {
                continue;
            };
            for key in keys(section) {
                let value = match section.get_mut(&key) {
                    Some(value) => site_value(value),
                    None => continue,
                };
                let value = value.map_err(|wrong| wrong.error(&name, &key))?;
                entries.insert(key, value);
            }
        }
        Ok(values)
    }

    /// Checks every section and key against what the sources declare.
    ///
    /// # Errors
    /// The first section, key or value that no source declares.
    pub fn check<'s>(
        &self,
        sources: impl IntoIterator<Item = (&'s str, &'s [ValueSpec])>,
    ) -> Result<(), ValuesError> {
        let declared: BTreeMap<&str, &[ValueSpec]> = sources
            .into_iter()
            .filter(|(_, specs)| !specs.is_empty())
            .collect();
        for (section, keys) in &self.0 {
            let Some(specs) = declared.get(section.as_str()) else {
                return Err(ValuesError::UnknownSection {
                    section: section.clone(),
                    known: declared.keys().copied().collect::<Vec<_>>().join(", "),
                });
            };
            for (key, value) in keys {
                check_one(section, key, value, specs)?;
            }
        }
        Ok(())
    }

    /// A value of a source, if the file has it.
    pub fn get(&self, source: &str, name: &str) -> Option<&SiteValue> {
        self.0.get(source)?.get(name)
    }

    /// A text of a source, if the file has it and it is one.
    pub fn text(&self, source: &str, name: &str) -> Option<&str> {
        match self.get(source, name)? {
            SiteValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a switch of a source is on.
    pub fn switch(&self, source: &str, name: &str) -> bool {
        matches!(self.get(source, name), Some(SiteValue::Switch(true)))
    }

    /// An entry in a table of a source, if the file has it.
    pub fn entry(&self, source: &str, table: &str, key: &str) -> Option<&str> {
        match self.get(source, table)? {
            SiteValue::Table(entries) => entries.get(key).map(String::as_str),
            _ => None,
        }
    }

    /// All values of a source.
    pub fn section(&self, source: &str) -> Option<&BTreeMap<String, SiteValue>> {
        self.0.get(source)
    }

    /// Sets a value, for tests and for doors that take them one by one.
    pub fn set(&mut self, source: &str, name: &str, value: SiteValue) {
        self.0
            .entry(source.to_owned())
            .or_default()
            .insert(name.to_owned(), value);
    }
}

/// Where in a value another kind stands than may.
enum Wrong {
    Value,
    Entry(String),
    Json(JsonError),
}

impl Wrong {
    fn error(self, section: &str, key: &str) -> ValuesError {
        let (key, expected) = match self {
            Self::Value => (key.to_owned(), ANY_KIND),
            Self::Entry(entry) => (format!("{key}[{entry:?}]"), TABLE_KIND),
            Self::Json(error) => {
                return ValuesError::NotValues(error.under(key).under(section));
            }
        };
        ValuesError::WrongKind {
            section: section.to_owned(),
            key,
            expected: expected.to_owned(),
        }
    }
}

fn keys(object: &Object<'_>) -> Vec<String> {
    let members = object.members().iter();
    members.map(|member| member.key().to_owned()).collect()
}

fn site_value(value: &mut Value<'_>) -> Result<SiteValue, Wrong> {
    if let Ok(Some(switch)) = value.as_bool() {
        return Ok(SiteValue::Switch(switch));
    }
    match value.type_name() {
        "a string" => match value.as_str().map_err(Wrong::Json)? {
            Some(text) => Ok(SiteValue::Text(text.into_owned())),
            None => Err(Wrong::Value),
        },
        "an object" => {
            let table = value.open_object().map_err(Wrong::Json)?;
            let mut entries = BTreeMap::new();
            for member in table.iter().flat_map(|table| table.members()) {
                let Ok(Some(text)) = member.value.as_str() else {
                    return Err(Wrong::Entry(member.key().to_owned()));
                };
                entries.insert(member.key().to_owned(), text.into_owned());
            }
            Ok(SiteValue::Table(entries))
        }
        _ => Err(Wrong::Value),
    }
}

fn check_one(
    section: &str,
    key: &str,
    value: &SiteValue,
    specs: &[ValueSpec],
) -> Result<(), ValuesError> {
    let Some(spec) = specs.iter().find(|spec| spec.name == key) else {
        return Err(ValuesError::UnknownKey {
            section: section.to_owned(),
            key: key.to_owned(),
            known: names(specs),
        });
    };
    let fits = match (&spec.kind, value) {
        (ValueKind::Text, SiteValue::Text(text)) => !text.is_empty(),
        (ValueKind::Switch, SiteValue::Switch(_)) | (ValueKind::Table, SiteValue::Table(_)) => true,
        (ValueKind::Choice(words), SiteValue::Text(text)) => words.iter().any(|word| word == text),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(ValuesError::WrongKind {
        section: section.to_owned(),
        key: key.to_owned(),
        expected: spec.kind.to_string(),
    })
}

fn names(specs: &[ValueSpec]) -> String {
    let names: Vec<&str> = specs.iter().map(|spec| &*spec.name).collect();
    names.join(", ")
}

impl std::fmt::Display for ValueKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text => f.write_str("a text that is not empty"),
            Self::Switch => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Table => f.write_str("a table of texts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_values_file_is_read_into_its_kinds() {
        let text = r#"{"rbd": {"form": "static", "clusters": {"a:1": "b"}}, "nfs": {"translate": true}, "cinder": null}"#;
        let values = Values::parse(text).unwrap();
        assert_eq!(values.text("rbd", "form"), Some("static"));
        assert_eq!(values.entry("rbd", "clusters", "a:1"), Some("b"));
        assert!(values.switch("nfs", "translate"));
        assert!(values.section("cinder").unwrap().is_empty());
        assert_eq!(Values::parse(" null\n").unwrap(), Values::default());
    }

    #[test]
    fn what_is_no_value_is_named_and_not_printed() {
        let texts = "`rbd.clusterID` has to be a text, true or false, or a table of texts; numbers go in quotes";
        for (text, message) in [
            (r#"{"rbd": {"clusterID": 424242}}"#, texts),
            (r#"{"rbd": {"clusterID": ["424242"]}}"#, texts),
            (r#"{"rbd": {"clusterID": null}}"#, texts),
            (
                r#"{"rbd": {"clusters": {"a:1": 424242}}}"#,
                r#"`rbd.clusters["a:1"]` has to be a text; numbers go in quotes"#,
            ),
        ] {
            assert_eq!(Values::parse(text).unwrap_err().to_string(), message);
        }
        for text in [
            r#""424242""#,
            "[424242]",
            r#"{"rbd": 424242}"#,
            r#"{"rbd": {"a": "424242"#,
        ] {
            let message = Values::parse(text).unwrap_err().to_string();
            assert!(message.starts_with("not a values file: "), "{message}");
            assert!(!message.contains("424242"), "{message}");
        }
    }
}
