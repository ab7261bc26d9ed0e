//! What a list says of its items.

use flex2csi_translators::Kind;
use flex2csi_translators::json::{Object, Value};

use crate::manifest::ListItem;

/// An item of a list.
#[derive(Debug, Clone)]
pub struct Item {
    /// The `apiVersion` and `kind` that the list gives to items without.
    pub named: Option<(String, String)>,
}

impl Item {
    /// What a list says of its item.
    pub fn of(list: &ListItem<'_>) -> Self {
        let named = list
            .kind
            .and_then(|kind| Kind::item_of(list.api_version.unwrap_or(""), kind))
            .filter(|(_, kind)| !kind.is_empty())
            .map(|(version, kind)| (version.to_owned(), kind.to_owned()));
        Self { named }
    }

    /// The kind that the list gives to items without.
    pub fn kind(&self) -> Option<Kind> {
        let (version, kind) = self.named.as_ref()?;
        Some(Kind::named(version, kind))
    }
}

/// A list that is in memory, so that its kind is known wherever it stands.
#[derive(Debug)]
pub struct List {
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
}

impl List {
    /// What a list says of itself; `None` for anything that is no list of objects
    /// that could be translated.
    pub fn of(object: &Object<'_>) -> Option<Self> {
        let has_items = match object.get("items") {
            Some(Value::Raw(text)) => text.starts_with('['),
            Some(Value::Array(_)) => true,
            _ => false,
        };
        if !has_items || !matches!(Kind::of(object), Ok(Kind::List)) {
            return None;
        }
        let text = |key| match object.str(key) {
            Ok(Some(text)) => text.into_owned(),
            _ => String::new(),
        };
        Some(Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
        })
    }
}
