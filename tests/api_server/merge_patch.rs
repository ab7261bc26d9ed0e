//! A JSON merge patch (RFC 7396), as the API server applies it: for all that stands in for one
//! in tests. (A crate for it would have serde_json, and so all that stands on it, built twice.)

use serde_json::{Value, json};

/// Applies a patch.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}
