//! Text to members, by `serde_json`'s scanner; nothing is decoded but keys.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Layout, Member, Object};
use super::{JsonError, Path, Problem, Value};

/// Above this many members duplicates are looked for by hash, not by pairs.
const FEW: usize = 24;

pub(super) fn object(text: &str) -> Result<Object<'_>, JsonError> {
    let Members(members) = from_str(text)?;
    if let Some(key) = duplicate(&members) {
        return Err(JsonError {
            path: Path::default(),
            problem: Problem::DuplicateKey { key },
        });
    }
    let layout = Layout::of(text);
    Ok(Object::from_parts(members, layout))
}

pub(super) fn array(text: &str) -> Result<Vec<Value<'_>>, JsonError> {
    let Items(items) = from_str(text)?;
    Ok(items)
}

/// Decodes one JSON string, borrowed where it has no escapes.
pub(super) fn string(text: &str) -> Result<Cow<'_, str>, JsonError> {
    if let Some(plain) = unescaped(text) {
        return Ok(Cow::Borrowed(plain));
    }
    from_str::<String>(text).map(Cow::Owned)
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

fn duplicate(members: &[Member<'_>]) -> Option<String> {
    if members.len() <= FEW {
        let twice = members.iter().enumerate().find(|(index, member)| {
            members[..*index]
                .iter()
                .any(|earlier| earlier.key() == member.key())
        });
        return twice.map(|(_, member)| member.key().to_owned());
    }
    let mut seen = HashSet::with_capacity(members.len());
    members
        .iter()
        .find(|member| !seen.insert(member.key()))
        .map(|member| member.key().to_owned())
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
                    let member = Member::written(key.get(), Value::Raw(value.get()))
                        .map_err(serde::de::Error::custom)?;
                    members.push(member);
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
