//! Members to text: what was not opened is copied, what is new follows the
//! layout of the object around it.

use std::borrow::Cow;

use super::object::{Layout, Object};
use super::value::Value;

/// The white space in force where something new is written.
struct Frame<'a> {
    inner: Cow<'a, str>,
    end: Cow<'a, str>,
    colon: &'a str,
}

const COMPACT: Frame<'static> = Frame {
    inner: Cow::Borrowed(""),
    end: Cow::Borrowed(""),
    colon: "",
};

impl<'a> Frame<'a> {
    fn of(layout: Layout<'a>) -> Self {
        Self {
            inner: Cow::Borrowed(layout.inner),
            end: Cow::Borrowed(layout.end),
            colon: layout.colon,
        }
    }

    /// One level further in: indented by what this level is indented.
    fn child(&self) -> Self {
        let unit = self.inner.strip_prefix(&*self.end).unwrap_or("");
        let inner = if unit.is_empty() {
            Cow::Borrowed("")
        } else {
            Cow::Owned(format!("{}{unit}", self.inner))
        };
        let end = if inner.is_empty() {
            Cow::Borrowed("")
        } else {
            Cow::Owned(self.inner.to_string())
        };
        Self {
            inner,
            end,
            colon: self.colon,
        }
    }

    /// Between two members on one line, as `{"a": 1, "b": 2}` has it.
    fn comma(&self) -> &'static str {
        if self.inner.is_empty() && !self.colon.is_empty() {
            ", "
        } else {
            ","
        }
    }
}

impl Object<'_> {
    /// Appends the object's JSON text to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        object(self, &COMPACT, out);
    }

    /// Appends the object's JSON text to `out`, laid out like `sibling`, beside
    /// which it will stand.
    pub fn write_like(&self, sibling: &Object<'_>, out: &mut Vec<u8>) {
        match sibling.layout() {
            Some(layout) if !self.is_empty() => members(self, &Frame::of(layout), out),
            _ => self.write(out),
        }
    }

    /// Appends the object's JSON text to `out`, indented by `unit` a level below
    /// `base`, the line break and indentation before its closing brace. Only
    /// what is opened is laid out.
    pub fn write_indented(&self, base: &str, unit: &str, out: &mut Vec<u8>) {
        let inner = format!("{base}{unit}");
        let frame = Frame {
            inner: Cow::Borrowed(&inner),
            end: Cow::Borrowed(base),
            colon: " ",
        };
        if self.is_empty() {
            out.extend_from_slice(b"{}");
        } else {
            members(self, &frame, out);
        }
    }

    /// The object's JSON text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        // What was borrowed is text, and so is what was written.
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl Value<'_> {
    /// Appends the value's JSON text to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        value(self, &COMPACT, out);
    }
}

fn value(value: &Value<'_>, frame: &Frame<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Raw(text) => out.extend_from_slice(text.as_bytes()),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Object(inner) => object(inner, frame, out),
        Value::Array(items) => array(items, frame, out),
        Value::String(text) => string(text, out),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
    }
}

/// `around` is the frame of the members among which the object stands.
fn object(object: &Object<'_>, around: &Frame<'_>, out: &mut Vec<u8>) {
    if object.is_empty() {
        out.extend_from_slice(b"{}");
        return;
    }
    let frame = match object.layout() {
        Some(layout) => Frame::of(layout),
        None => around.child(),
    };
    members(object, &frame, out);
}

fn members(object: &Object<'_>, frame: &Frame<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, member) in object.members().iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(frame.comma().as_bytes());
        }
        out.extend_from_slice(frame.inner.as_bytes());
        match member.written_key() {
            Some(written) => out.extend_from_slice(written.as_bytes()),
            None => string(member.key(), out),
        }
        out.push(b':');
        out.extend_from_slice(frame.colon.as_bytes());
        value(&member.value, frame, out);
    }
    out.extend_from_slice(frame.end.as_bytes());
    out.push(b'}');
}

fn array(items: &[Value<'_>], around: &Frame<'_>, out: &mut Vec<u8>) {
    if items.is_empty() {
        out.extend_from_slice(b"[]");
        return;
    }
    let frame = around.child();
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(frame.comma().as_bytes());
        }
        out.extend_from_slice(frame.inner.as_bytes());
        value(item, &frame, out);
    }
    out.extend_from_slice(frame.end.as_bytes());
    out.push(b']');
}

/// Whether JSON writes the byte as it is.
fn plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for character in text.chars() {
            escape(character, out);
        }
    }
    out.push(b'"');
}

fn escape(character: char, out: &mut Vec<u8>) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        control if u32::from(control) < 0x20 => {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
        }
        other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
