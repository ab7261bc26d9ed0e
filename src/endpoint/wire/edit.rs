//! Writing.

use super::field::{Malformed, fields};

/// Copies a message, with other bytes for the fields of a number: `exchange` gets
/// each one's content and where it is among them, and writes what is to stand there.
///
/// # Errors
/// The message is malformed, or `exchange` says so of a content.
pub fn replace_field(
    message: &[u8],
    number: u32,
    mut exchange: impl FnMut(usize, &[u8], &mut Vec<u8>) -> Result<Exchange, Malformed>,
) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(message.len() + 64);
    let mut place = 0;
    for field in fields(message) {
        let field = field?;
        let (true, Some(content)) = (field.number == number, field.content) else {
            out.extend_from_slice(field.whole);
            continue;
        };
        let mut written = Vec::new();
        match exchange(place, content, &mut written)? {
            Exchange::Keep => out.extend_from_slice(field.whole),
            // The same content is left as it was written, whatever its length's form.
            Exchange::Content if written == content => out.extend_from_slice(field.whole),
            Exchange::Content => put(&mut out, number, &written),
            Exchange::Fields => out.extend_from_slice(&written),
        }
        place += 1;
    }
    Ok(out)
}

/// What stands in a field's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// The field as it was.
    Keep,
    /// A field of the same number with the content that was written.
    Content,
    /// The whole fields that were written; none, if nothing was.
    Fields,
}

/// Copies a message, with another text wherever a path of field numbers leads and
/// `exchange` gives one.
///
/// # Errors
/// A message on the way is malformed, or a text is not UTF-8.
pub fn replace_at(
    message: &[u8],
    path: &[u32],
    exchange: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>, Malformed> {
    let Some((number, below)) = path.split_first() else {
        return Ok(message.to_vec());
    };
    replace_field(message, *number, |_, content, out| {
        if below.is_empty() {
            let text = std::str::from_utf8(content).map_err(|_| Malformed)?;
            let Some(text) = exchange(text) else {
                return Ok(Exchange::Keep);
            };
            out.extend_from_slice(text.as_bytes());
        } else {
            *out = replace_at(content, below, exchange)?;
        }
        Ok(Exchange::Content)
    })
}

/// Appends a text.
pub fn add_text(message: &mut Vec<u8>, number: u32, text: &str) {
    put(message, number, text.as_bytes());
}

/// Appends an entry of a `map<string, string>` field.
pub fn map_entry(message: &mut Vec<u8>, number: u32, key: &str, value: &str) {
    let mut entry = Vec::with_capacity(key.len() + value.len() + 8);
    add_text(&mut entry, 1, key);
    add_text(&mut entry, 2, value);
    put(message, number, &entry);
}

/// Appends a field of the wire type `LEN`.
pub fn put(message: &mut Vec<u8>, number: u32, content: &[u8]) {
    varint(message, u64::from(number) << 3 | 2);
    varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
