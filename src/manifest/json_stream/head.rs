//! What is known of an object before its `items`.

use super::scan::is_key;
use crate::manifest::ListItem;

#[derive(Debug, Default)]
pub(super) struct Head {
    kind: Option<String>,
    api_version: Option<String>,
    key: Key,
    /// The first of the items has a `kind`.
    pub(super) item_has_kind: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Key {
    Items,
    Kind,
    ApiVersion,
    #[default]
    Other,
}

impl Head {
    /// What a list of that kind says of itself.
    pub(super) fn of_list(api_version: &str, kind: &str) -> Self {
        Self {
            kind: Some(kind.to_owned()),
            api_version: Some(api_version.to_owned()),
            ..Self::default()
        }
    }

    /// Takes note of a string that is a member's name or value.
    pub(super) fn text(&mut self, window: &[u8], start: usize, end: usize) {
        let text = &window[start..end];
        if is_key(window, start) {
            self.key = match text {
                b"items" => Key::Items,
                b"kind" => Key::Kind,
                b"apiVersion" => Key::ApiVersion,
                _ => Key::Other,
            };
            return;
        }
        match self.key {
            Key::Kind => self.kind = unquoted(text).or(self.kind.take()),
            Key::ApiVersion => self.api_version = unquoted(text).or(self.api_version.take()),
            Key::Items | Key::Other => {}
        }
    }

    /// Takes note of a string in the first item.
    pub(super) fn item_text(&mut self, window: &[u8], start: usize, end: usize) {
        self.item_has_kind |= &window[start..end] == b"kind" && is_key(window, start);
    }

    /// Whether an array that opens now is the value of `items`.
    pub(super) fn at_items(&self) -> bool {
        self.key == Key::Items
    }

    /// Whether this is a list; `None` if its kind has not come yet, or nothing
    /// that says of which group a typed list is.
    pub(super) fn is_list(&self) -> Option<bool> {
        let kind = self.kind.as_deref()?.strip_suffix("List");
        match kind {
            None => Some(false),
            Some("") => Some(true),
            Some(_) => self.api_version.is_some().then_some(true),
        }
    }

    pub(super) fn list_item(&self) -> ListItem<'_> {
        ListItem {
            kind: self.kind.as_deref(),
            api_version: self.api_version.as_deref(),
        }
    }
}

/// A string that uses no escapes, as names in Kubernetes never do.
fn unquoted(text: &[u8]) -> Option<String> {
    if text.contains(&b'\\') {
        return None;
    }
    std::str::from_utf8(text).ok().map(str::to_owned)
}
