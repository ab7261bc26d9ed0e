//! Where two JSON values differ, for people.

use serde_json::Value;

/// One line for each place at which the values differ.
pub fn lines(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    walk("", Some(expected), Some(found), &mut lines);
    lines
}

fn walk(path: &str, expected: Option<&Value>, found: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, found) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for key in left
                .keys()
                .chain(right.keys().filter(|key| !left.contains_key(*key)))
            {
                walk(
                    &format!("{path}.{key}"),
                    left.get(key),
                    right.get(key),
                    lines,
                );
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for index in 0..left.len().max(right.len()) {
                walk(
                    &format!("{path}[{index}]"),
                    left.get(index),
                    right.get(index),
                    lines,
                );
            }
        }
        _ if expected == found => {}
        _ => {
            let show = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            lines.push(format!(
                "    {path}: expected {}, found {}",
                show(expected),
                show(found)
            ));
        }
    }
}
