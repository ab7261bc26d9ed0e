//! Lists of any length, a page at a time.

use kube::Client;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::{Ask, AskError};

/// Objects a page: kubectl's own number.
pub const PAGE: usize = 500;

/// A list that is read page by page. One whose version is gone before its end is
/// read on as it is then: the server says where.
pub struct Pages<'c> {
    client: &'c Client,
    path: String,
    selector: String,
    next: Option<String>,
}

#[derive(Deserialize)]
struct List<'a> {
    metadata: ListMeta,
    // A typed list without items has `null` there.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "continue", default)]
    go_on: Option<String>,
}

/// The text of one page.
#[derive(Debug)]
pub struct Page {
    text: String,
    path: String,
}

impl Page {
    /// The objects in it, JSON. They lack `apiVersion` and `kind`.
    ///
    /// # Errors
    /// It is not a list.
    pub fn items(&self) -> Result<Vec<&str>, AskError> {
        let list: List<'_> = serde_json::from_str(&self.text)
            .map_err(|error| AskError::unreadable(&self.path, &error))?;
        let items = list.items.unwrap_or_default();
        Ok(items.into_iter().map(RawValue::get).collect())
    }
}

impl<'c> Pages<'c> {
    /// The list at a path, as `/api/v1/persistentvolumes`.
    pub fn new(client: &'c Client, path: impl Into<String>) -> Self {
        Self {
            client,
            path: path.into(),
            selector: String::new(),
            next: Some(String::new()),
        }
    }

    /// Only what a label selector selects.
    #[must_use]
    pub fn selected(mut self, selector: Option<&str>) -> Self {
        if let Some(selector) = selector {
            self.selector = format!("&labelSelector={}", encode(selector));
        }
        self
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// The list cannot be read, or not to its end.
    pub async fn next(&mut self) -> Result<Option<Page>, AskError> {
        let Some(go_on) = self.next.take() else {
            return Ok(None);
        };
        let mut path = format!("{}?limit={PAGE}{}", self.path, self.selector);
        if !go_on.is_empty() {
            path += &format!("&continue={}", encode(&go_on));
        }
        let text = match Ask::get(path).send(self.client).await {
            // What the server still has of it, as it is now.
            Err(AskError::Expired {
                go_on: Some(go_on), ..
            }) => {
                self.next = Some(go_on);
                return Box::pin(self.next()).await;
            }
            answer => answer?,
        };
        let list: List<'_> = serde_json::from_str(&text)
            .map_err(|error| AskError::unreadable(&self.path, &error))?;
        self.next = list.metadata.go_on.filter(|go_on| !go_on.is_empty());
        Ok(Some(Page {
            text,
            path: self.path.clone(),
        }))
    }
}

/// Percent-encodes what goes into a query (RFC 3986, 2.3: all but unreserved).
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_items_is_empty() {
        for items in ["", r#","items":null"#, r#","items":[]"#] {
            let text = format!(r#"{{"metadata":{{}}{items}}}"#);
            let page = Page {
                text,
                path: String::new(),
            };
            assert!(page.items().unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_no_list_is_said_without_its_text() {
        let page = Page {
            text: r#"{"metadata":{},"items":"hunter2"}"#.into(),
            path: "/api/v1/secrets".into(),
        };
        let error = page.items().unwrap_err().to_string();
        assert!(
            error.contains("/api/v1/secrets") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(encode("app in (a, b)"), "app%20in%20%28a%2C%20b%29");
    }
}
