//! Takes apart text that has been read as JSON before: nothing is checked
//! again, which makes opening a part of an object cheap.
//!
//! `None` where the text is not JSON after all; the parser then says why.

use super::object::{Member, Object};
use super::value::Value;

/// The members of an object. Those that stand at the path, through objects and
/// lists, are opened with it.
pub(super) fn members<'a>(text: &'a str, path: &[&str]) -> Option<Vec<Member<'a>>> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.members(path)
}

/// The items of an array, opened at the path as [`members`].
pub(super) fn items<'a>(text: &'a str, path: &[&str]) -> Option<Vec<Value<'a>>> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.items(path)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no white space, which is not passed.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn members(&mut self, path: &[&str]) -> Option<Vec<Member<'a>>> {
        self.take(b'{')?;
        let mut members = Vec::with_capacity(8);
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(members);
        }
        loop {
            let (text, is_plain) = self.key()?;
            self.take(b':')?;
            let mut member = Member::written(text, is_plain, Value::Raw(""))?;
            member.value = match path.split_first() {
                Some((name, below)) if *name == member.key() => self.opened(below)?,
                _ => Value::Raw(self.value()?),
            };
            members.push(member);
            match self.next()? {
                b',' => {}
                b'}' => return Some(members),
                _ => return None,
            }
        }
    }

    fn items(&mut self, path: &[&str]) -> Option<Vec<Value<'a>>> {
        self.take(b'[')?;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(items);
        }
        loop {
            items.push(self.opened(path)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(items),
                _ => return None,
            }
        }
    }

    /// The next value, which is opened if there is something to open.
    fn opened(&mut self, path: &[&str]) -> Option<Value<'a>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            _ if path.is_empty() => self.value().map(Value::Raw),
            b'{' => {
                let members = self.members(path)?;
                let text = self.text.get(start..self.at)?;
                Object::from_members(members, text).map(Value::Object)
            }
            b'[' => self.items(path).map(Value::Array),
            _ => self.value().map(Value::Raw),
        }
    }

    /// The text of a key, and whether it stands there without escapes.
    fn key(&mut self) -> Option<(&'a str, bool)> {
        self.take(b'"')?;
        let start = self.at - 1;
        let bytes = self.text.as_bytes();
        let first = quote_or_escape(bytes, self.at)?;
        let is_plain = bytes[first] == b'"';
        self.at = string_end(bytes, first)?;
        Some((self.text.get(start..self.at)?, is_plain))
    }

    /// The text of the next value, which is passed.
    fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at = match first {
            b'"' => string_end(bytes, start + 1)?,
            b'{' | b'[' => nested_end(bytes, start + 1)?,
            _ => literal_end(bytes, start)?,
        };
        self.text.get(start..self.at)
    }
}

/// The place after the closing quote of a string that begins before `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = quote_or_escape(bytes, at)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        // What an escape escapes is no closing quote.
        at += 2;
    }
}

/// The place of the next quote or backslash; eight bytes at a time.
fn quote_or_escape(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest high bit of the result marks the first byte that is `byte`.
    let marks = |word: u64, byte: u8| {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero & HIGH
    };
    while let Some(&chunk) = bytes.get(at..)?.first_chunk::<8>() {
        let word = u64::from_le_bytes(chunk);
        let found = marks(word, b'"') | marks(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes[at..].iter();
    let found = rest.take(8).position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(at + found)
}

/// The place after the closing bracket of what begins before `at`.
fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1;
    while depth > 0 {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at + 1)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}

/// The place after a number or a literal.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
    match bytes.get(at..)?.iter().position(is_end)? {
        0 => None,
        length => Some(at + length),
    }
}
