//! Expressions on one object, their failures named by what the object lacks.

use std::borrow::Cow;

use super::expression::{Answer, Failure, OPTIONS, PV, VALUES};
use super::mapping::Mapping;
use super::plan::{Field, NotePlan};
use super::view::{Map, Scope};
use crate::context::Context;
use crate::error::Error;
use crate::json::Path;
use crate::note::{Code, Note};
use crate::source::FLEX_VOLUME;

/// A mapping's expressions on one object.
pub(super) struct Evaluator<'r> {
    pub mapping: &'r Mapping,
    pub scope: Scope<'r>,
    /// The FlexVolume driver, or the provisioner, for messages.
    pub driver: &'r str,
}

/// A mapping's section of the values.
pub(super) fn values<'r>(mapping: &'r Mapping, context: &Context<'r>) -> Map<'r> {
    let declared = mapping.values();
    if declared.is_empty() {
        return Map::Empty;
    }
    Map::Values {
        declared,
        given: context.values.section(mapping.name()),
    }
}

/// Checks that the values are there without which no volume can be translated.
pub(super) fn required(
    mapping: &Mapping,
    driver: &str,
    context: &Context<'_>,
) -> Result<(), Error> {
    let given = |name: &str| context.values.get(mapping.name(), name).is_some();
    let missing = mapping.values().iter().find(|spec| {
        let other = spec.unless.as_deref().is_some_and(given);
        spec.required && spec.default.is_none() && !other && !given(&spec.name)
    });
    match missing {
        Some(spec) => Err(missing_value(mapping, driver, &spec.name)),
        None => Ok(()),
    }
}

fn missing_value(mapping: &Mapping, driver: &str, name: &str) -> Error {
    let spec = mapping.values().iter().find(|spec| spec.name == name);
    Error::MissingValue {
        path: Path::default(),
        driver: driver.to_owned().into(),
        source_name: mapping.name().to_owned(),
        value: name.to_owned(),
        help: spec.map(|spec| spec.help.to_string()).unwrap_or_default(),
    }
}

impl<'r> Evaluator<'r> {
    pub fn error(&self, field: &Field, reason: impl Into<String>) -> Error {
        Error::Mapping {
            path: Path::default(),
            mapping: self.mapping.name().to_owned(),
            expression: field.name.clone(),
            reason: reason.into(),
        }
    }

    fn answer<'f>(&self, field: &'f Field) -> Result<Answer<'f>, Error> {
        match field.expression.evaluate(&self.scope) {
            Ok(answer) => Ok(answer),
            Err(Failure::Reason(reason)) => Err(self.error(field, reason)),
            Err(Failure::Missing(member)) => Err(self.missing(field, &member)),
        }
    }

    fn missing(&self, field: &Field, member: &[String]) -> Error {
        let names: Vec<&str> = member.iter().map(String::as_str).collect();
        let path = match &names[..] {
            [OPTIONS, option @ ..] => {
                let mut path = vec!["spec", FLEX_VOLUME, "options"];
                path.extend(option);
                Path::of(&path)
            }
            [PV, path @ ..] => Path::of(path),
            [VALUES, name, ..] => return missing_value(self.mapping, self.driver, name),
            _ => return self.error(field, format!("`{}` is not set", names.join("."))),
        };
        Error::MissingField {
            driver: self.driver.to_owned().into(),
            path,
        }
    }

    fn other_type(&self, field: &Field, expected: &str, found: &Answer<'_>) -> Error {
        let found = match found {
            Answer::Null => "null",
            Answer::Bool(_) => "a truth value",
            Answer::Text(_) => "a text",
            Answer::List(_) => "a list",
            Answer::Other(kind) => kind,
        };
        self.error(field, format!("expected {expected}, found {found}"))
    }

    /// A text; `None` for null and for an empty one.
    pub fn text<'f>(&self, field: &'f Field) -> Result<Option<Cow<'f, str>>, Error> {
        match self.answer(field)? {
            Answer::Null => Ok(None),
            Answer::Text(text) => Ok((!text.is_empty()).then_some(text)),
            other => Err(self.other_type(field, "a text", &other)),
        }
    }

    /// A text where an expression stands for it.
    pub fn optional_text<'f>(
        &self,
        field: Option<&'f Field>,
    ) -> Result<Option<Cow<'f, str>>, Error> {
        match field {
            Some(field) => self.text(field),
            None => Ok(None),
        }
    }

    /// A truth value; `None` for null.
    pub fn truth(&self, field: &Field) -> Result<Option<bool>, Error> {
        match self.answer(field)? {
            Answer::Null => Ok(None),
            Answer::Bool(truth) => Ok(Some(truth)),
            other => Err(self.other_type(field, "true or false", &other)),
        }
    }

    /// Texts; empty for null. One text stands for a list of it.
    pub fn texts(&self, field: &Field) -> Result<Vec<String>, Error> {
        match self.answer(field)? {
            Answer::Null => Ok(Vec::new()),
            Answer::Text(text) if text.is_empty() => Ok(Vec::new()),
            Answer::Text(text) => Ok(vec![text.into_owned()]),
            Answer::List(texts) => Ok(texts),
            other => Err(self.other_type(field, "a list of texts", &other)),
        }
    }

    /// The texts of a map whose expressions give one.
    pub fn map<'f>(
        &self,
        fields: &'f [(String, Field)],
    ) -> Result<Vec<(&'f str, Cow<'f, str>)>, Error> {
        let mut texts = Vec::with_capacity(fields.len());
        for (key, field) in fields {
            if let Some(text) = self.text(field)? {
                texts.push((key.as_str(), text));
            }
        }
        Ok(texts)
    }

    /// The notes whose condition holds.
    pub fn notes(&self, plans: &[NotePlan], notes: &mut Vec<Note>) -> Result<(), Error> {
        for plan in plans {
            let holds = match &plan.when {
                Some(when) => self.truth(when)? == Some(true),
                None => true,
            };
            if holds {
                let note = Note::new(plan.code, plan.path.clone(), plan.message.clone());
                notes.push(match &plan.remedy {
                    Some(remedy) => note.remedy(remedy.clone()),
                    None => note,
                });
            }
        }
        Ok(())
    }
}

/// Adds a note of the engine, unless the mapping has one of its own.
pub(super) fn note_once(
    notes: &mut Vec<Note>,
    code: Code,
    path: &[&str],
    message: impl Into<Cow<'static, str>>,
) {
    if !notes.iter().any(|note| note.code == code) {
        notes.push(Note::new(code, Path::of(path), message));
    }
}
