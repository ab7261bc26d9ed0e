use std::borrow::Cow;

use super::{JsonError, Object, Path, Problem, Shape, parse, scan};

/// Far deeper than any Kubernetes object, and far from the end of the stack.
pub(super) const MAX_DEPTH: usize = 128;

/// One JSON value: text as it was written, or what a translation made of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Valid JSON text that nobody has looked into, without white space around.
    Raw(&'a str),
    /// An object that was opened, or is new.
    Object(Object<'a>),
    /// An array that was opened, or is new.
    Array(Vec<Value<'a>>),
    /// A new string.
    String(Cow<'a, str>),
    /// A new integer.
    Integer(i64),
    /// A new boolean.
    Bool(bool),
    /// A number or a literal that outlives its input, as it was written.
    Text(Box<str>),
}

pub(super) fn type_of(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

impl<'a> Value<'a> {
    /// The text of a value that nobody has looked into, borrowed or owned.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Raw(text) => Some(text),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text in the input that the value was, whatever has been changed since.
    pub(super) fn source(&self) -> Option<&'a str> {
        match self {
            Self::Raw(text) => Some(text),
            Self::Object(object) => object.source(),
            _ => None,
        }
    }

    /// JSON's name of the value's type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Raw(text) => type_of(text),
            Self::Text(text) => type_of(text),
            Self::Object(_) => "an object",
            Self::Array(_) => "an array",
            Self::String(_) => "a string",
            Self::Integer(_) => "a number",
            Self::Bool(_) => "a boolean",
        }
    }

    /// Whether this is JSON's `null`, which Kubernetes reads as "not set".
    pub fn is_null(&self) -> bool {
        self.text() == Some("null")
    }

    /// The string that the value holds; `None` for `null`.
    ///
    /// # Errors
    /// The value is of another type.
    pub fn as_str(&self) -> Result<Option<Cow<'_, str>>, JsonError> {
        match self {
            Self::String(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Raw(text) if text.starts_with('"') => parse::string(text).map(Some),
            other if other.is_null() => Ok(None),
            other => Err(JsonError::expected("a string", other.type_name())),
        }
    }

    /// The string that the value holds, borrowed from the input where it can
    /// be; `None` for `null`.
    ///
    /// # Errors
    /// The value is of another type.
    pub fn to_str(&self) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self {
            Self::String(text) => Ok(Some(text.clone())),
            Self::Raw(text) if text.starts_with('"') => parse::string(text).map(Some),
            other if other.is_null() => Ok(None),
            other => Err(JsonError::expected("a string", other.type_name())),
        }
    }

    /// Whether the value is this string.
    pub fn is_text(&self, text: &str) -> bool {
        match self {
            // What is escaped is longer than what it stands for.
            Self::Raw(raw) if raw.len() < text.len() + 2 => false,
            Self::Raw(raw) if raw.len() == text.len() + 2 => {
                parse::unescaped(raw).is_some_and(|found| found == text)
            }
            _ => matches!(self.as_str(), Ok(Some(found)) if found == text),
        }
    }

    /// The boolean that the value holds; `None` for `null`.
    ///
    /// # Errors
    /// The value is of another type.
    pub fn as_bool(&self) -> Result<Option<bool>, JsonError> {
        match (self, self.text()) {
            (Self::Bool(value), _) => Ok(Some(*value)),
            (_, Some("true")) => Ok(Some(true)),
            (_, Some("false")) => Ok(Some(false)),
            (_, Some("null")) => Ok(None),
            _ => Err(JsonError::expected("a boolean", self.type_name())),
        }
    }

    /// The 32-bit integer that the value holds; `None` for `null`. As in Go, a
    /// number written with a fraction or an exponent is none.
    ///
    /// # Errors
    /// The value is of another type or out of range.
    pub fn as_i32(&self) -> Result<Option<i32>, JsonError> {
        let number = match (self, self.text()) {
            (Self::Integer(number), _) => i32::try_from(*number).ok(),
            (_, Some("null")) => return Ok(None),
            (_, Some(text)) => text.parse().ok(),
            _ => None,
        };
        let expected = || JsonError::expected("an integer of 32 bits", self.type_name());
        number.map(Some).ok_or_else(expected)
    }

    /// Opens the value as an object in place; `None` for `null`.
    ///
    /// # Errors
    /// The value is of another type, or has a key twice.
    pub fn open_object(&mut self) -> Result<Option<&mut Object<'a>>, JsonError> {
        if let Self::Raw(text) = *self {
            match text.as_bytes().first() {
                Some(b'{') => *self = Self::Object(parse::object(text, &Shape::FLAT)?),
                Some(b'n') => return Ok(None),
                _ => return Err(JsonError::expected("an object", self.type_name())),
            }
        }
        match self {
            Self::Object(object) => Ok(Some(object)),
            other if other.is_null() => Ok(None),
            other => Err(JsonError::expected("an object", other.type_name())),
        }
    }

    /// Opens the value as an array in place; `None` for `null`.
    ///
    /// # Errors
    /// The value is of another type.
    pub fn open_array(&mut self) -> Result<Option<&mut Vec<Value<'a>>>, JsonError> {
        if let Self::Raw(text) = *self {
            match text.as_bytes().first() {
                Some(b'[') => *self = Self::Array(parse::array(text)?),
                Some(b'n') => return Ok(None),
                _ => return Err(JsonError::expected("an array", self.type_name())),
            }
        }
        match self {
            Self::Array(items) => Ok(Some(items)),
            other if other.is_null() => Ok(None),
            other => Err(JsonError::expected("an array", other.type_name())),
        }
    }

    /// Whether the value is a list with at least one item, all of which are strings
    /// or `null`; nothing is opened for that.
    ///
    /// # Errors
    /// The value is no list, or an item is of another type.
    pub fn has_texts(&self) -> Result<bool, JsonError> {
        if let Self::Raw(text) = self {
            let mut found = false;
            let read = scan::each_item(text, |item| {
                found = true;
                (item.starts_with('"') || item == "null").then_some(())
            });
            if read.is_some() {
                return Ok(found);
            }
        }
        // What is wrong with it is said by opening it.
        let mut list = self.clone();
        let items = list.open_array()?.map(std::mem::take).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            item.to_str()
                .map_err(|error| error.under(&index.to_string()))?;
        }
        Ok(!items.is_empty())
    }

    /// Whether Go's `omitempty` would leave this out: `null`, an empty string,
    /// array or object, zero or false.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Raw(text) => match text.as_bytes().first() {
                Some(b'{' | b'[') => text[1..text.len() - 1].trim_ascii().is_empty(),
                _ => matches!(*text, "null" | "\"\"" | "0" | "false"),
            },
            Self::Object(object) => object.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::String(text) => text.is_empty(),
            Self::Integer(number) => *number == 0,
            Self::Bool(value) => !value,
            Self::Text(text) => matches!(&**text, "null" | "0" | "false"),
        }
    }

    /// The same value, opened to its leaves, so that it outlives its input and
    /// is written in the layout of the place where it goes.
    ///
    /// # Errors
    /// A string in it has an escape that stands for no character, an object has
    /// a key twice, or it is nested deeper than any Kubernetes object.
    pub fn into_owned(self) -> Result<Value<'static>, JsonError> {
        self.owned(MAX_DEPTH)
    }

    pub(super) fn owned(self, depth: usize) -> Result<Value<'static>, JsonError> {
        let Some(below) = depth.checked_sub(1) else {
            return Err(JsonError {
                path: Path::default(),
                problem: Problem::TooDeep,
            });
        };
        Ok(match self {
            Self::Raw(text) => match text.as_bytes().first() {
                Some(b'{') => Value::Object(parse::object(text, &Shape::FLAT)?.owned(below)?),
                Some(b'[') => owned_items(parse::array(text)?, below)?,
                Some(b'"') => Value::String(Cow::Owned(parse::string(text)?.into_owned())),
                _ => Value::Text(text.into()),
            },
            Self::Object(object) => Value::Object(object.owned(below)?),
            Self::Array(items) => owned_items(items, below)?,
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Value::Integer(number),
            Self::Bool(value) => Value::Bool(value),
            Self::Text(text) => Value::Text(text),
        })
    }
}

fn owned_items(items: Vec<Value<'_>>, depth: usize) -> Result<Value<'static>, JsonError> {
    let items: Result<Vec<_>, _> = items.into_iter().map(|item| item.owned(depth)).collect();
    items.map(Value::Array)
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl<'a> From<Object<'a>> for Value<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Self::Array(items)
    }
}
