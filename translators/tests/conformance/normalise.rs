//! Gives our results the form that Go's JSON gives the library's: reads them
//! into the API's types and prints these. Recorded answers are not touched.

use serde_json::{Map, Value, json};

use crate::quantity;
use crate::types::{Field, Print, Type};

/// Which library's printing is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Prints `creationTimestamp: null`.
    V0_30,
    /// Leaves an unset `creationTimestamp` out.
    V0_36,
}

/// The value as Go prints it once it has read it.
pub fn normalise(value: &Value, kind: &Type, version: Version) -> Value {
    if value.is_null() {
        return zero(kind, version);
    }
    match (kind, value) {
        (Type::Quantity, Value::String(text)) => json!(quantity::canonical(text)),
        (Type::Map(inner), Value::Object(entries)) => entries
            .iter()
            .map(|(key, entry)| (key.clone(), normalise(entry, inner, version)))
            .collect(),
        (Type::List(inner), Value::Array(items)) => items
            .iter()
            .map(|item| normalise(item, inner, version))
            .collect(),
        (Type::Struct(fields), Value::Object(members)) => print(fields, members, version),
        // Where the types differ the comparison is to show it.
        _ => value.clone(),
    }
}

fn zero(kind: &Type, version: Version) -> Value {
    match kind {
        Type::Text => json!(""),
        Type::Bool => json!(false),
        Type::Int => json!(0),
        Type::Quantity => json!("0"),
        Type::Any | Type::Map(_) | Type::List(_) => Value::Null,
        Type::Struct(fields) => print(fields, &Map::new(), version),
    }
}

fn print(fields: &[Field], members: &Map<String, Value>, version: Version) -> Value {
    let mut printed = Map::new();
    for Field(name, kind, when) in fields {
        let value = members.get(*name).unwrap_or(&Value::Null);
        let is_printed = match when {
            Print::Always => true,
            Print::NotEmpty => !is_empty(value),
            Print::Set => !value.is_null(),
            Print::CreationTimestamp => !value.is_null() || version == Version::V0_30,
        };
        if is_printed {
            printed.insert((*name).to_owned(), normalise(value, kind, version));
        }
    }
    Value::Object(printed)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}
