//! What the API server, or a webhook behind it, says of an object may repeat what
//! stands in it.

use serde_json::Value;

/// Parts of the names of options that hold credentials.
const CREDENTIAL: [&str; 10] = [
    "key",
    "secret",
    "token",
    "pass",
    "pwd",
    "credential",
    "auth",
    "sk",
    "ak",
    "sas",
];
/// Shorter values are found everywhere, and are no credentials.
const SHORTEST: usize = 4;
const REDACTED: &str = "<redacted>";

/// Replaces credentials of an object, JSON, wherever they stand in a message.
pub fn redact(message: &str, objects: &[&str]) -> String {
    let mut credentials = Vec::new();
    for object in objects {
        if let Ok(value) = serde_json::from_str::<Value>(object) {
            collect(&value, &mut credentials);
        }
    }
    // The longest first: one may be part of another.
    credentials.sort_by_key(|credential| std::cmp::Reverse(credential.len()));
    let mut redacted = message.to_owned();
    for credential in credentials {
        redacted = redacted.replace(&credential, REDACTED);
    }
    redacted
}

fn collect(value: &Value, credentials: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.to_ascii_lowercase();
                match value {
                    // A reference names a Secret, and is none.
                    Value::Object(_) if key.ends_with("ref") => {}
                    Value::String(text) if CREDENTIAL.iter().any(|part| key.contains(part)) => {
                        if text.len() >= SHORTEST {
                            credentials.push(text.clone());
                        }
                    }
                    value => collect(value, credentials),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, credentials)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_repeated() {
        let object = r#"{"spec":{"flexVolume":{"options":{"akSecret":"hunter22","bucket":"data"},
            "secretRef":{"name":"not-secret"}}}}"#;
        let message = "Invalid value: hunter22: data, not-secret";
        assert_eq!(
            redact(message, &[object]),
            "Invalid value: <redacted>: data, not-secret"
        );
    }
}
