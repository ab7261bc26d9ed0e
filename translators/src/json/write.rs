//! Members to text: what was not opened is copied, what is new follows the
//! layout of the object around it.

use std::borrow::Cow;

use super::copy::Copier;
use super::object::{Member, Object};
use super::value::Value;
use super::{Layout, scan};

/// The white space in force where something new is written.
#[derive(Clone)]
pub(super) struct Frame<'a> {
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

    /// Before the closing bracket.
    pub(super) fn end(&self) -> &[u8] {
        self.end.as_bytes()
    }

    /// Before a member or an item, with a comma or without.
    pub(super) fn gap(&self, comma: bool, out: &mut Vec<u8>) {
        if comma {
            out.extend_from_slice(self.comma().as_bytes());
        }
        out.extend_from_slice(self.inner.as_bytes());
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
        object(self, &Around::Frame(&COMPACT), out);
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
        value(self, &Around::Frame(&COMPACT), out);
    }
}

/// Among what something is written: where the white space comes from, if any is
/// to be written at all.
pub(super) enum Around<'f, 'a> {
    Frame(&'f Frame<'f>),
    /// The members of an object that was opened.
    Object(&'f Object<'a>, &'f Around<'f, 'a>),
    /// The items of an array that stands in the input.
    Array(&'f str, &'f Around<'f, 'a>),
}

impl<'f> Around<'f, '_> {
    pub(super) fn frame(&self) -> Frame<'f> {
        match self {
            Self::Frame(frame) => (*frame).clone(),
            Self::Object(object, around) => match object.layout() {
                Some(layout) => Frame::of(layout),
                None => around.frame().child(),
            },
            Self::Array(text, around) => {
                let frame = around.frame();
                match Layout::of_array(text) {
                    Some(layout) => Frame {
                        colon: frame.colon,
                        ..Frame::of(layout)
                    },
                    None => frame.child(),
                }
            }
        }
    }
}

pub(super) fn value(value: &Value<'_>, around: &Around<'_, '_>, out: &mut Vec<u8>) {
    match value {
        Value::Raw(text) => out.extend_from_slice(text.as_bytes()),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Object(inner) => object(inner, around, out),
        Value::Array(items) => array(items, around, out),
        Value::String(text) => string(text, out),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
    }
}

fn object(object: &Object<'_>, around: &Around<'_, '_>, out: &mut Vec<u8>) {
    match object.source() {
        Some(text) => Copier::copy(object, text, around, out),
        None if object.is_empty() => out.extend_from_slice(b"{}"),
        None => members(object, &around.frame().child(), out),
    }
}

fn members(object: &Object<'_>, frame: &Frame<'_>, out: &mut Vec<u8>) {
    let within = Around::Frame(frame);
    out.push(b'{');
    for (index, one) in object.members().iter().enumerate() {
        frame.gap(index > 0, out);
        member(one, &within, out);
    }
    out.extend_from_slice(frame.end());
    out.push(b'}');
}

pub(super) fn member(member: &Member<'_>, within: &Around<'_, '_>, out: &mut Vec<u8>) {
    key(member, within, out);
    value(&member.value, within, out);
}

pub(super) fn key(member: &Member<'_>, within: &Around<'_, '_>, out: &mut Vec<u8>) {
    string(member.key(), out);
    out.push(b':');
    out.extend_from_slice(within.frame().colon.as_bytes());
}

fn array(items: &[Value<'_>], around: &Around<'_, '_>, out: &mut Vec<u8>) {
    if items.is_empty() {
        out.extend_from_slice(b"[]");
        return;
    }
    let frame = around.frame().child();
    let within = Around::Frame(&frame);
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        frame.gap(index > 0, out);
        value(item, &within, out);
    }
    out.extend_from_slice(frame.end());
    out.push(b']');
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if scan::special(text.as_bytes(), 0).is_none() {
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
