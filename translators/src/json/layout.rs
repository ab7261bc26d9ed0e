//! The white space with which an object or a list was written, so that what is
//! new in it looks like its neighbours.

/// The white space in one object or list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'a> {
    /// Before each member.
    pub inner: &'a str,
    /// Before the closing bracket.
    pub end: &'a str,
    /// After a key's colon; empty in a list.
    pub colon: &'a str,
}

impl<'a> Layout<'a> {
    /// Reads the white space of `text`, which is one JSON object; `None` where it
    /// has no member. `key` is the text from one of its keys to the value, if that
    /// is known.
    pub(super) fn of_object(text: &'a str, key: Option<&'a str>) -> Option<Self> {
        let (layout, first) = Self::within(text)?;
        if let Some(key) = key {
            return Some(Self {
                colon: &key[key.trim_ascii_end().len()..],
                ..layout
            });
        }
        let key = first;
        let after_key = &key[key_length(key)?..];
        let colon = after_key.trim_ascii_start().strip_prefix(':')?;
        let spaces = colon.len() - colon.trim_ascii_start().len();
        Some(Self {
            colon: &colon[..spaces],
            ..layout
        })
    }

    /// Reads the white space of `text`, which is one JSON array; `None` where it
    /// has no item.
    pub(super) fn of_array(text: &'a str) -> Option<Self> {
        let (layout, items) = Self::within(text)?;
        (!items.is_empty()).then_some(layout)
    }

    /// The white space inside the brackets, and the text from the first that is
    /// none.
    fn within(text: &'a str) -> Option<(Self, &'a str)> {
        let body = text.get(1..text.len().checked_sub(1)?)?;
        let content = body.trim_ascii_start();
        let layout = Self {
            inner: &body[..body.len() - content.len()],
            end: &body[body.trim_ascii_end().len()..],
            colon: "",
        };
        Some((layout, content))
    }
}

/// Length of the JSON string at the start of `text`, quotes included.
fn key_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}
