//! What the API server, or a webhook behind it, says of an object may repeat what
//! stands in it.

use serde_json::Value;

/// Parts of the names of options that hold credentials.
const CREDENTIAL: [&str; 5] = ["secret", "token", "pass", "pwd", "credential"];
/// What a word of such a name ends with.
const ENDS: [&str; 1] = ["key"];
/// Such words. They are found within others.
const WORDS: [&str; 4] = ["ak", "auth", "sas", "sk"];
/// The last word of the name of what only tells where a credential is.
const REFERENCES: [&str; 6] = ["file", "name", "namespace", "path", "ref", "type"];
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
                match value {
                    // A reference names a Secret, and is none.
                    Value::Object(_) if key.ends_with("Ref") => {}
                    Value::String(text) if is_credential(key) => {
                        if text.len() >= SHORTEST {
                            credentials.push(text.clone());
                        }
                    }
                    // As in `kubectl.kubernetes.io/last-applied-configuration`.
                    Value::String(text) if text.starts_with('{') => {
                        if let Ok(value) = serde_json::from_str(text) {
                            collect(&value, credentials);
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

/// Whether an option of this name holds a credential.
fn is_credential(name: &str) -> bool {
    let words = words(name);
    if words
        .last()
        .is_some_and(|last| REFERENCES.contains(&last.as_str()))
    {
        return false;
    }
    words.iter().any(|word| {
        CREDENTIAL.iter().any(|part| word.contains(part))
            || ENDS.iter().any(|end| word.ends_with(end))
            || WORDS.contains(&word.as_str())
    })
}

/// The words of a name, as in `akSecret`, `user-key` and `PASS_WORD`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower);
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_told_from_others() {
        for name in [
            "akSecret",
            "akId",
            "accesskey",
            "ACCESS_KEY",
            "password",
            "sasToken",
            "sk",
            "apiKey",
            "kubernetes.io/secret",
            "user-pass",
            "auth",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "diskName",
            "diskURI",
            "breaks",
            "secretName",
            "secretNamespace",
            "keyring-path",
            "author",
            "csi.storage.k8s.io/node-stage-secret-name",
            "monkeys",
            "bucket",
            "volumeHandle",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn what_was_applied_once_may_hold_others() {
        let applied = r#"{"spec":{"options":{"password":"hunter22"}}}"#;
        let object =
            serde_json::json!({"metadata": {"annotations": {"last": applied}}}).to_string();
        assert_eq!(
            redact(&object, &[&object]),
            object.replace("hunter22", REDACTED)
        );
    }

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
