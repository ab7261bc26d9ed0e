//! Text to members; nothing is decoded but keys. What [`scan`] does not take is
//! left to `serde_json`, which knows why it is wrong.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::copy::place_of;
use super::error::TRAILING;
use super::object::{Member, Object};
use super::value::type_of;
use super::{JsonError, Path, Problem, Shape, Value, scan, surrogates};

/// Above this many members duplicates are looked for by hash, not by pairs.
const FEW: usize = 24;

pub(super) fn object<'a>(text: &'a str, shape: &'static Shape) -> Result<Object<'a>, JsonError> {
    let (members, may_repeat) = match scan::members(text, shape) {
        Some(found) => (found.members, found.may_repeat),
        None => {
            check_type(text, b'{', "an object")?;
            (read_members(text)?, true)
        }
    };
    let repeated = may_repeat.then(|| duplicate(&members).map(str::to_owned));
    match repeated.flatten() {
        None => Ok(Object::from_parts(members, text)),
        Some(key) => Err(JsonError {
            path: Path::default(),
            problem: Problem::DuplicateKey { key },
        }),
    }
}

/// The members of what [`scan`] does not take and may yet be an object: one that
/// is nested very deep.
fn read_members(text: &str) -> Result<Vec<Member<'_>>, JsonError> {
    let read = from_str::<Members<'_>>(text)?.0.into_iter();
    let members = read.map(|(key, value)| {
        let place = match (place_of(key, text), place_of(value, text)) {
            (Some(key), Some(value)) => scan::place(key.start, value),
            _ => None,
        };
        Ok(Member::read(string(key)?, place, Value::Raw(value)))
    });
    members.collect()
}

pub(super) fn array(text: &str) -> Result<Vec<Value<'_>>, JsonError> {
    match scan::items(text) {
        Some(items) => Ok(items),
        None => {
            check_type(text, b'[', "an array")?;
            Ok(from_str::<Items<'_>>(text)?.0)
        }
    }
}

/// Refuses a text that starts as a value of another type, of which `serde_json`
/// would print the value.
fn check_type(text: &str, first: u8, expected: &'static str) -> Result<(), JsonError> {
    match text.as_bytes().first() {
        Some(b'{' | b'[' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9')
            if !text.as_bytes().starts_with(&[first]) =>
        {
            Err(JsonError::expected(expected, type_of(text)))
        }
        _ => Ok(()),
    }
}

/// Decodes one JSON string, borrowed where it has no escapes. Escapes of half a
/// character become U+FFFD, as in Go.
pub(super) fn string(text: &str) -> Result<Cow<'_, str>, JsonError> {
    if let Some(plain) = unescaped(text) {
        return Ok(Cow::Borrowed(plain));
    }
    match serde_json::from_str(text) {
        Ok(decoded) => Ok(Cow::Owned(decoded)),
        Err(_) => from_str::<String>(&surrogates::replace_lone(text)).map(Cow::Owned),
    }
}

/// What stands between the quotes, if that is the string itself.
pub(super) fn unescaped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    scan::special(inner.as_bytes(), 0)
        .is_none()
        .then_some(inner)
}

fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value =
        T::deserialize(&mut deserializer).map_err(|error| syntax(&error, reason(&error)))?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(syntax(&error, TRAILING.to_owned())),
    }
}

fn syntax(error: &serde_json::Error, reason: String) -> JsonError {
    JsonError {
        path: Path::default(),
        problem: Problem::Syntax {
            line: error.line(),
            column: error.column(),
            reason,
        },
    }
}

/// The parser's words without its own "at line 1 column 2".
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// A key that stands there twice.
pub(super) fn duplicate<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    if members.len() <= FEW {
        let twice = members.iter().enumerate().find(|(index, member)| {
            members[..*index]
                .iter()
                .any(|earlier| earlier.key() == member.key())
        });
        return twice.map(|(_, member)| member.key());
    }
    let mut seen = HashSet::with_capacity(members.len());
    members
        .iter()
        .map(Member::key)
        .find(|key| !seen.insert(*key))
}

struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Open;
        impl<'de> Visitor<'de> for Open {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(key) = map.next_key::<&'de RawValue>()? {
                    let value = map.next_value::<&'de RawValue>()?;
                    members.push((key.get(), value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Open)
    }
}

struct Items<'a>(Vec<Value<'a>>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Open;
        impl<'de> Visitor<'de> for Open {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(Value::Raw(item.get()));
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Open)
    }
}
