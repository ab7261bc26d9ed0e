//! One YAML document to JSON.
//!
//! The JSON is written as the parser's events come: no tree, no recursion. What
//! an anchor names is kept as the JSON that was written for it, and an alias is
//! a copy of that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::map::{Duplicate, Map};
use super::scalar::Scalar;
use super::{number, tag};
use crate::manifest::{Error, MAX_DEPTH, Place};

/// What all anchors and aliases of a document may hold, in bytes of JSON.
const EXPANSION_LIMIT: usize = 64 << 20;

/// Makes one YAML document compact JSON, with the members in their order and
/// the values that kubectl reads. An empty document is `null`.
///
/// `first_line` is the document's line in its file, from 1; the places in
/// errors count from it.
///
/// # Errors
/// What is wrong with the document, and where.
pub fn to_json(text: &str, first_line: u64) -> Result<String, Error> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut decoder = Decoder {
        first_line,
        out: String::with_capacity(text.len()),
        frames: Vec::new(),
        anchors: HashMap::new(),
        expanded: 0,
    };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let at = decoder.place(error.marker());
            match error.info() {
                // The parser's own limit, which comes before ours in flow style.
                message if message.contains("recursion limit") => Error::TooDeep {
                    at,
                    limit: MAX_DEPTH,
                },
                message => Error::Yaml { at, message },
            }
        })?;
        let at = decoder.place(&span.start);
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                return Err(Error::Yaml {
                    at,
                    message: "a second document".to_owned(),
                });
            }
        }
        let event = match event {
            Event::Scalar(value, style, anchor, tag)
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                    && span.end.byte_offset() == Some(text.len()) =>
            {
                Event::Scalar(without_added_break(value, text), style, anchor, tag)
            }
            event => event,
        };
        decoder.event(event, at)?;
    }
    if decoder.out.is_empty() {
        decoder.out.push_str("null");
    }
    Ok(decoder.out)
}

struct Decoder {
    first_line: u64,
    out: String,
    frames: Vec<Frame>,
    /// By the parser's number; `None` while the node is still open.
    anchors: HashMap<usize, Option<Rc<str>>>,
    expanded: usize,
}

/// A collection that is open.
struct Frame {
    anchor: usize,
    at: Place,
    kind: FrameKind,
}

enum FrameKind {
    /// Where its `[` is in the output.
    List(usize),
    Map(Map, Slot),
}

/// What a mapping's next node is.
#[derive(Clone, Copy)]
enum Slot {
    Key,
    Value,
    /// The value of `<<`, from here on in the output.
    Merge(usize, Place),
}

impl Decoder {
    fn place(&self, marker: &Marker) -> Place {
        Place {
            line: (self.first_line + marker.line() as u64).saturating_sub(1),
            column: marker.col() as u64 + 1,
        }
    }

    fn event(&mut self, event: Event<'_>, at: Place) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), at)
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::SequenceStart(_, anchor, _) => {
                self.open(anchor, at)?;
                let kind = FrameKind::List(self.out.len());
                self.out.push('[');
                self.frames.push(Frame { anchor, at, kind });
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor, at)?;
                let kind = FrameKind::Map(Map::open(&mut self.out), Slot::Key);
                self.frames.push(Frame { anchor, at, kind });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(frame) = self.frames.pop() else {
                    return Ok(());
                };
                let start = match frame.kind {
                    FrameKind::List(start) => {
                        self.out.push(']');
                        start
                    }
                    FrameKind::Map(map, _) => map.close(&mut self.out),
                };
                self.keep(frame.anchor, start, frame.at)?;
                self.written(frame.at)
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Place,
    ) -> Result<(), Error> {
        if let Some(Frame {
            kind: FrameKind::Map(_, slot @ Slot::Key),
            ..
        }) = self.frames.last_mut()
            && tag::is_merge(text, style, tag)
        {
            *slot = Slot::Merge(self.out.len(), at);
            return Ok(());
        }
        let bad = |problem| Error::Value { at, problem };
        let value = tag::value(text, style, tag).map_err(bad)?;
        if self.at_key() {
            let key = key(value).ok_or(Error::Key { at, found: "null" })?;
            if anchor != 0 {
                let start = self.out.len();
                push_scalar(&mut self.out, value);
                self.keep(anchor, start, at)?;
                self.out.truncate(start);
            }
            return self.key(key.into_owned(), at);
        }
        if matches!(value, Scalar::Float(value) if !value.is_finite()) {
            return Err(bad(
                "has no form in JSON; quote it if it is meant as text".to_owned()
            ));
        }
        self.separate();
        let start = self.out.len();
        push_scalar(&mut self.out, value);
        self.keep(anchor, start, at)?;
        self.written(at)
    }

    fn alias(&mut self, anchor: usize, at: Place) -> Result<(), Error> {
        let Some(Some(text)) = self.anchors.get(&anchor).cloned() else {
            return Err(Error::AliasCycle { at });
        };
        if self.at_key() {
            let found = match text.as_bytes().first() {
                Some(b'{') => "a mapping",
                Some(b'[') => "a list",
                _ if &*text == "null" => "null",
                Some(b'"') => {
                    return self.key(serde_json::from_str(&text).map_err(Error::Json)?, at);
                }
                _ => return self.key(text.to_string(), at),
            };
            return Err(Error::Key { at, found });
        }
        self.expand(text.len(), at)?;
        self.separate();
        self.out.push_str(&text);
        self.written(at)
    }

    /// Before a list or a mapping.
    fn open(&mut self, anchor: usize, at: Place) -> Result<(), Error> {
        if self.at_key() {
            return Err(Error::Key {
                at,
                found: "a list or a mapping",
            });
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(Error::TooDeep {
                at,
                limit: MAX_DEPTH,
            });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.separate();
        Ok(())
    }

    fn at_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame {
                kind: FrameKind::Map(_, Slot::Key),
                ..
            })
        )
    }

    fn key(&mut self, key: String, at: Place) -> Result<(), Error> {
        if let Some(Frame {
            kind: FrameKind::Map(map, slot),
            ..
        }) = self.frames.last_mut()
        {
            *slot = Slot::Value;
            map.key(&mut self.out, key, at.line)
                .map_err(|Duplicate { key, first }| Error::DuplicateKey { at, key, first })?;
        }
        Ok(())
    }

    /// Before a value.
    fn separate(&mut self) {
        if let Some(Frame {
            kind: FrameKind::List(start),
            ..
        }) = self.frames.last()
            && self.out.len() > start + 1
        {
            self.out.push(',');
        }
    }

    /// After a value.
    fn written(&mut self, at: Place) -> Result<(), Error> {
        let Some(Frame {
            kind: FrameKind::Map(map, slot),
            ..
        }) = self.frames.last_mut()
        else {
            return Ok(());
        };
        let Slot::Merge(start, merge) = std::mem::replace(slot, Slot::Key) else {
            map.value_written(&self.out);
            return Ok(());
        };
        let value = self.out.split_off(start);
        map.merge(&mut self.out, &value, merge.line)
            .ok_or(Error::Merge { at: merge })?;
        self.expand(value.len(), at)
    }

    /// Keeps what was written from `start` on for an anchor, if there is one.
    fn keep(&mut self, anchor: usize, start: usize, at: Place) -> Result<(), Error> {
        if anchor != 0 {
            let text: Rc<str> = self.out.get(start..).unwrap_or_default().into();
            self.expand(text.len(), at)?;
            self.anchors.insert(anchor, Some(text));
        }
        Ok(())
    }

    fn expand(&mut self, bytes: usize, at: Place) -> Result<(), Error> {
        self.expanded += bytes;
        if self.expanded > EXPANSION_LIMIT {
            return Err(Error::AliasExpansion {
                at,
                limit: EXPANSION_LIMIT,
            });
        }
        Ok(())
    }
}

/// A block scalar at the end of a text. If its last line is not closed, the
/// value is not either, to kubectl; to the parser it is.
fn without_added_break<'a>(value: Cow<'a, str>, text: &str) -> Cow<'a, str> {
    let line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let Some(body) = value.strip_suffix('\n') else {
        return value;
    };
    let last = body.rsplit('\n').next().unwrap_or_default();
    let blank = |text: &str| text.bytes().all(|b| b == b' ');
    let is_content = !blank(line) || (blank(last) && !last.is_empty() && line.ends_with(last));
    if is_content {
        Cow::Owned(body.to_owned())
    } else {
        value
    }
}

/// A key as JSON has it; null has no form as one.
fn key(value: Scalar<'_>) -> Option<Cow<'_, str>> {
    Some(match value {
        Scalar::Null => return None,
        Scalar::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Scalar::Int(value) => Cow::Owned(value.to_string()),
        Scalar::Float(value) => Cow::Owned(number::key(value)),
        Scalar::Str(value) => Cow::Borrowed(value),
    })
}

fn push_scalar(out: &mut String, value: Scalar<'_>) {
    match value {
        Scalar::Null => out.push_str("null"),
        Scalar::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Scalar::Int(value) => {
            // Writing to a String does not fail.
            let _ = write!(out, "{value}");
        }
        Scalar::Float(value) => out.push_str(&number::json(value)),
        Scalar::Str(value) => push_string(out, value),
    }
}

/// Writes a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|b| b < b' ' || b == b'"' || b == b'\\')
    {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            byte @ (b'"' | b'\\') => {
                out.push('\\');
                out.push(char::from(byte));
            }
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
