//! What is in a Secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::object::Object;
use super::{ClusterError, SecretValues};

/// The values of a Secret: `data`, which is base64, and `stringData`, which only
/// manifests have, and which counts before it.
pub(super) fn values(object: &Object, json: &str) -> Result<SecretValues, ClusterError> {
    let secret = object.parse(json)?;
    let mut values = BTreeMap::new();
    for (key, value) in members(object, &secret, "data")? {
        // A YAML block keeps its line breaks; Go's decoder skips them too.
        let text: String = value
            .chars()
            .filter(|c| !matches!(c, '\n' | '\r'))
            .collect();
        let value = BASE64_STANDARD
            .decode(text)
            .map_err(|_| object.unreadable(format!("data[{key:?}] is not base64")))?;
        values.insert(key.to_owned(), value);
    }
    for (key, value) in members(object, &secret, "stringData")? {
        values.insert(key.to_owned(), value.as_bytes().to_vec());
    }
    Ok(SecretValues(values))
}

/// A map of strings; in Go's reading `null` is an empty string, and an empty map.
fn members<'a>(
    object: &Object,
    secret: &'a Value,
    name: &str,
) -> Result<Vec<(&'a str, &'a str)>, ClusterError> {
    let members = match &secret[name] {
        Value::Null => return Ok(Vec::new()),
        Value::Object(members) => members,
        _ => return Err(object.unreadable(format!("{name} is no map"))),
    };
    let text = |(key, value): (&'a String, &'a Value)| match value {
        Value::String(value) => Ok((key.as_str(), value.as_str())),
        Value::Null => Ok((key.as_str(), "")),
        _ => Err(object.unreadable(format!("{name}[{key:?}] is no string"))),
    };
    members.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::super::object::Kind;
    use super::*;

    fn read(json: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let secret = Object::named(Kind::Secret, "ns", "s");
        match values(&secret, json) {
            Ok(values) => Ok(values.0.into_iter().collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn data_is_decoded_and_string_data_counts_before_it() {
        let json = r#"{"data": {"a": "/wA=", "b": "Yg==", "c": null, "d": "Z\nGQ=\n"}, "stringData": {"b": "é"}}"#;
        let expected = [
            ("a", vec![0xff, 0]),
            ("b", "é".as_bytes().to_vec()),
            ("c", Vec::new()),
            ("d", b"dd".to_vec()),
        ];
        assert_eq!(
            read(json).unwrap(),
            expected.map(|(key, value)| (key.to_owned(), value))
        );
        assert_eq!(read("{}").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for (json, problem) in [
            (
                r#"{"data": {"k": "hunter2!"}}"#,
                "data[\"k\"] is not base64",
            ),
            (
                r#"{"data": {"k": "aHVudGVyMg"}}"#,
                "data[\"k\"] is not base64",
            ),
            (r#"{"data": {"k": 7}}"#, "data[\"k\"] is no string"),
            (
                r#"{"stringData": {"k": ["hunter2"]}}"#,
                "stringData[\"k\"] is no string",
            ),
            (r#"{"data": "hunter2"}"#, "data is no map"),
        ] {
            let expected = format!("Secret ns/s cannot be read: {problem}");
            assert_eq!(read(json), Err(expected), "{json}");
        }
    }
}
