//! Text to members; nothing is decoded but keys. What [`scan`] does not take is
//! left to `serde_json`, which knows why it is wrong.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Member, Object};
use super::{JsonError, Path, Problem, Value, scan, surrogates};

/// Above this many members duplicates are looked for by hash, not by pairs.
const FEW: usize = 24;

pub(super) fn object(text: &str) -> Result<Object<'_>, JsonError> {
    let members = match scan::members(text, &[]) {
        Some(members) => members,
        None => from_str::<Members<'_>>(text)?.0,
    };
    match duplicate(&members).map(str::to_owned) {
        None => Ok(Object::from_parts(members, text)),
        Some(key) => Err(JsonError {
            path: Path::default(),
            problem: Problem::DuplicateKey { key },
        }),
    }
}

pub(super) fn array(text: &str) -> Result<Vec<Value<'_>>, JsonError> {
    match scan::items(text, &[]) {
        Some(items) => Ok(items),
        None => Ok(from_str::<Items<'_>>(text)?.0),
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
fn unescaped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.as_bytes().contains(&b'\\')).then_some(inner)
}

fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    serde_json::from_str(text).map_err(|error| JsonError {
        path: Path::default(),
        problem: Problem::Syntax {
            line: error.line(),
            column: error.column(),
            reason: reason(&error),
        },
    })
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

struct Members<'a>(Vec<Member<'a>>);

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
                    let key = key.get();
                    let value = Value::Raw(value.get());
                    match Member::written(key, !key.contains('\\'), value) {
                        Some(member) => members.push(member),
                        None => return Err(serde::de::Error::custom("invalid key")),
                    }
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
