//! What expressions see: objects as they were read, members opened when asked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;

use crate::json::{JsonError, Object, Value};
use crate::storage_class::StorageClass;
use crate::values::{SiteValue, ValueKind, ValueSpec};

/// The variables of an expression.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The volume as it is.
    pub pv: Map<'s>,
    /// `flexVolume.options`
    pub options: Map<'s>,
    /// The volume's class, or the class that is translated.
    pub storage_class: Map<'s>,
    /// The mapping's section of the values.
    pub values: Map<'s>,
    /// What the driver's name has in a pattern's places.
    pub captures: Map<'s>,
    /// `flexVolume.secretRef.name`, empty without one.
    pub secret_name: &'s str,
    /// `flexVolume.secretRef.namespace`, or the claim's.
    pub secret_namespace: &'s str,
    /// Set when an expression looks at a class that was not in the input.
    pub class_wanted: Option<&'s AtomicBool>,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self {
            pv: Map::Empty,
            options: Map::Empty,
            storage_class: Map::Empty,
            values: Map::Empty,
            captures: Map::Empty,
            secret_name: "",
            secret_namespace: "",
            class_wanted: None,
        }
    }
}

/// A value that an expression reads or makes.
#[derive(Clone)]
pub(super) enum View<'s> {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'s, str>),
    List(Vec<View<'s>>),
    /// A list that stands in the expression.
    Items(&'s [View<'s>]),
    Map(Map<'s>),
}

/// By its type: values are never printed.
impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl<'s> View<'s> {
    /// The name of the value's type, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Integer(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) | Self::Items(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The items of a list; of anything else, none.
    pub fn items(&self) -> &[View<'s>] {
        match self {
            Self::List(items) => items,
            Self::Items(items) => items,
            _ => &[],
        }
    }
}

/// A map that an expression reads.
#[derive(Clone, Copy)]
pub(super) enum Map<'s> {
    Empty,
    /// An opened object.
    Object(&'s Object<'s>),
    /// The text of an object that nobody opened.
    Text(&'s str),
    /// FlexVolume options: keys match exactly, then without regard to case.
    Options(&'s Object<'s>),
    Class(&'s StorageClass),
    /// A class that was not in the input: texts are empty, parameters none.
    UnknownClass,
    Parameters(&'s StorageClass),
    Values {
        declared: &'s [ValueSpec],
        given: Option<&'s BTreeMap<String, SiteValue>>,
    },
    /// A table among the values.
    SiteTable(&'s BTreeMap<String, String>),
    /// A map that stands in the expression.
    Table(&'s [(String, View<'s>)]),
    Captures(&'s [(&'s str, &'s str)]),
}

const NOT_JSON: &str = "a member is not valid JSON";
/// No volume has one, and without end they would end the stack.
const LISTS: &str = "a list holds a list";

impl<'s> Map<'s> {
    /// A member; `None` where it is not set.
    pub fn get(&self, key: &str) -> Result<Option<View<'s>>, &'static str> {
        let text = |text: &'s str| View::Text(Cow::Borrowed(text));
        Ok(match *self {
            Self::Empty => None,
            Self::Object(object) => object.get(key).map(view).transpose()?.flatten(),
            Self::Text(json) => match Object::parse(json) {
                Ok(object) => object.get(key).map(raw).transpose()?.flatten(),
                Err(_) => return Err(NOT_JSON),
            },
            Self::Options(options) => match option(options, key) {
                Some(value) => view(value)?.or(Some(text(""))),
                None => None,
            },
            Self::Class(class) => match key {
                "name" => Some(text(&class.name)),
                "provisioner" => Some(text(&class.provisioner)),
                "parameters" => Some(View::Map(Map::Parameters(class))),
                _ => None,
            },
            Self::UnknownClass => match key {
                "name" | "provisioner" => Some(text("")),
                "parameters" => Some(View::Map(Map::Empty)),
                _ => None,
            },
            Self::Parameters(class) => class.parameter(key).map(text),
            Self::Values { declared, given } => site_value(declared, given, key),
            Self::SiteTable(entries) => entries.get(key).map(|entry| text(entry)),
            Self::Table(entries) => entries
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value.clone()),
            Self::Captures(captures) => captures
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, capture)| text(capture)),
        })
    }

    /// A member that is a map, if it takes no reading to say so.
    pub fn opened(&self, key: &str) -> Option<Map<'s>> {
        match *self {
            Self::Object(object) => match object.get(key) {
                Some(Value::Object(member)) => Some(Map::Object(member)),
                _ => None,
            },
            Self::Class(class) if key == "parameters" => Some(Map::Parameters(class)),
            Self::UnknownClass if key == "parameters" => Some(Map::Empty),
            _ => None,
        }
    }

    /// Whether a member is set; what stands there is not read.
    pub fn has(&self, key: &str) -> Result<bool, &'static str> {
        Ok(match *self {
            Self::Object(object) => match object.get(key) {
                Some(Value::Raw(text)) => *text != "null",
                Some(Value::Text(text)) => **text != *"null",
                found => found.is_some(),
            },
            Self::Options(options) => option(options, key).is_some(),
            _ => self.get(key)?.is_some(),
        })
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        match *self {
            Self::Empty => 0,
            Self::Object(object) | Self::Options(object) => object.len(),
            Self::Text(json) => Object::parse(json).map_or(0, |object| object.len()),
            Self::Class(_) | Self::UnknownClass => 3,
            Self::Parameters(class) => class.parameters.len(),
            Self::Values { declared, .. } => declared.len(),
            Self::SiteTable(entries) => entries.len(),
            Self::Table(entries) => entries.len(),
            Self::Captures(captures) => captures.len(),
        }
    }
}

/// An option's value: the key as it stands, else without regard to case, as
/// Go decoded the options.
pub(super) fn option<'o, 'a>(options: &'o Object<'a>, key: &str) -> Option<&'o Value<'a>> {
    options.get(key).or_else(|| {
        let mut members = options.members().iter();
        members
            .find(|member| member.key().eq_ignore_ascii_case(key))
            .map(|member| &member.value)
    })
}

fn view<'s>(value: &'s Value<'s>) -> Result<Option<View<'s>>, &'static str> {
    Ok(Some(match value {
        Value::Raw(text) => return scalar_or_text(text),
        Value::Object(object) => View::Map(Map::Object(object)),
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(item).collect();
            View::List(items?)
        }
        Value::String(text) => View::Text(Cow::Borrowed(text)),
        Value::Integer(number) => View::Integer(*number),
        Value::Bool(truth) => View::Bool(*truth),
        Value::Text(text) => return literal(text),
    }))
}

fn item<'s>(value: &'s Value<'s>) -> Result<View<'s>, &'static str> {
    match value {
        Value::Array(_) => Err(LISTS),
        Value::Raw(text) if text.starts_with('[') => Err(LISTS),
        _ => Ok(view(value)?.unwrap_or(View::Null)),
    }
}

/// The view of a value that lives no longer than the call, by its text.
fn raw<'s>(value: &Value<'s>) -> Result<Option<View<'s>>, &'static str> {
    match *value {
        Value::Raw(text) => scalar_or_text(text),
        _ => Err(NOT_JSON),
    }
}

fn scalar_or_text(text: &str) -> Result<Option<View<'_>>, &'static str> {
    let broken = |_: JsonError| NOT_JSON;
    match text.as_bytes().first() {
        Some(b'"') => {
            let text = Value::Raw(text).to_str().map_err(broken)?;
            Ok(text.map(View::Text))
        }
        Some(b'{') => Ok(Some(View::Map(Map::Text(text)))),
        Some(b'[') => {
            let mut array = Value::Raw(text);
            let Some(items) = array.open_array().map_err(broken)? else {
                return Ok(None);
            };
            let views: Result<Vec<_>, _> = items
                .iter()
                .map(|item| match item {
                    Value::Raw(text) if text.starts_with('[') => Err(LISTS),
                    item => Ok(raw(item)?.unwrap_or(View::Null)),
                })
                .collect();
            Ok(Some(View::List(views?)))
        }
        _ => literal(text),
    }
}

/// A number, a truth value or null; `null` is "not set".
fn literal(text: &str) -> Result<Option<View<'static>>, &'static str> {
    match text {
        "null" => Ok(None),
        "true" => Ok(Some(View::Bool(true))),
        "false" => Ok(Some(View::Bool(false))),
        number => match number.parse() {
            Ok(number) => Ok(Some(View::Integer(number))),
            Err(_) => Err("a number is not an integer"),
        },
    }
}

fn site_value<'s>(
    declared: &'s [ValueSpec],
    given: Option<&'s BTreeMap<String, SiteValue>>,
    key: &str,
) -> Option<View<'s>> {
    if let Some(given) = given.and_then(|given| given.get(key)) {
        return Some(match given {
            SiteValue::Text(text) => View::Text(Cow::Borrowed(text)),
            SiteValue::Switch(switch) => View::Bool(*switch),
            SiteValue::Table(entries) => View::Map(Map::SiteTable(entries)),
        });
    }
    let spec = declared.iter().find(|spec| spec.name == key)?;
    match (&spec.kind, &spec.default) {
        (ValueKind::Switch, default) => Some(View::Bool(default.as_deref() == Some("true"))),
        (_, Some(default)) => Some(View::Text(Cow::Borrowed(default))),
        (_, None) => None,
    }
}
