//! The query of a request, as API servers take it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

pub struct Query(BTreeMap<String, String>);

impl Query {
    pub fn of(query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(key, value)| (key.to_owned(), decoded(value)))
                .collect(),
        )
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether its selectors, of one label or field each, select an object.
    pub fn selects(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let by_label = |selector: &str| match selector.split_once('=') {
            Some((key, value)) => labels[key] == *value,
            None => !labels[selector].is_null(),
        };
        let by_field = |selector: &str| {
            let (key, value) = selector.split_once('=').unwrap();
            object.pointer(&format!("/{}", key.replace('.', "/"))) == Some(&json!(value))
        };
        self.get("labelSelector").is_none_or(by_label)
            && self.get("fieldSelector").is_none_or(by_field)
    }

    /// Which of `count` objects are its page, of `most` at most, and the token of the next,
    /// empty after the last.
    pub fn page(&self, count: usize, most: usize) -> (Range<usize>, String) {
        let number = |key| self.get(key).map(|text| text.parse::<usize>().unwrap());
        let from = number("continue").unwrap_or(0).min(count);
        let limit = number("limit").unwrap_or(most).min(most);
        let to = count.min(from.saturating_add(limit));
        let next = if to < count {
            to.to_string()
        } else {
            String::new()
        };
        (from..to, next)
    }
}

/// As far as selectors and tokens need it.
fn decoded(text: &str) -> String {
    text.replace("%3D", "=")
        .replace("%2F", "/")
        .replace("%2C", ",")
}
