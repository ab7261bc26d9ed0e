//! A reader for what is JSON, and only for that: it checks all of the text in one
//! pass and opens what it is asked to. `None` where the text is not JSON; the
//! parser then says why.

use super::object::{Member, Object};
use super::value::{MAX_DEPTH, Value};

/// The members of an object. Those that stand at the path, through objects and
/// lists, are opened with it.
pub(super) fn members<'a>(text: &'a str, path: &[&str]) -> Option<Vec<Member<'a>>> {
    Cursor::over(text, |cursor| cursor.members(path))
}

/// The items of an array, opened at the path as [`members`].
pub(super) fn items<'a>(text: &'a str, path: &[&str]) -> Option<Vec<Value<'a>>> {
    Cursor::over(text, |cursor| cursor.items(path))
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How much deeper values may be nested.
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// Reads one value that is all of the text.
    fn over<T>(text: &'a str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut cursor = Self {
            text,
            at: 0,
            depth: MAX_DEPTH,
        };
        let value = read(&mut cursor)?;
        (cursor.at == text.len()).then_some(value)
    }

    /// The next byte that is no white space, which is not passed.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn enter(&mut self, bracket: u8) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.take(bracket)
    }

    /// Goes through what stands between brackets, the first of which is passed.
    #[inline]
    fn each(&mut self, end: u8, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.peek()? == end {
            self.at += 1;
        } else {
            loop {
                read(self)?;
                match self.next()? {
                    b',' => {}
                    byte if byte == end => break,
                    _ => return None,
                }
            }
        }
        self.depth += 1;
        Some(())
    }

    fn members(&mut self, path: &[&str]) -> Option<Vec<Member<'a>>> {
        self.enter(b'{')?;
        let mut members = Vec::with_capacity(8);
        self.each(b'}', |cursor| {
            let (text, is_plain) = cursor.key()?;
            cursor.take(b':')?;
            let mut member = Member::written(text, is_plain, Value::Raw(""))?;
            member.value = match path.split_first() {
                Some((name, below)) if *name == member.key() => cursor.opened(below)?,
                _ => Value::Raw(cursor.value()?),
            };
            members.push(member);
            Some(())
        })?;
        Some(members)
    }

    fn items(&mut self, path: &[&str]) -> Option<Vec<Value<'a>>> {
        self.enter(b'[')?;
        let mut items = Vec::new();
        self.each(b']', |cursor| {
            items.push(cursor.opened(path)?);
            Some(())
        })?;
        Some(items)
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
        let is_plain = self.string()?;
        Some((self.text.get(start..self.at)?, is_plain))
    }

    /// The text of the next value, which is passed.
    #[inline]
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at)
    }

    /// Passes the next value.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.string().map(drop)
            }
            b'{' => {
                self.enter(b'{')?;
                self.each(b'}', |cursor| {
                    cursor.take(b'"')?;
                    cursor.string()?;
                    cursor.take(b':')?;
                    cursor.skip()
                })
            }
            b'[' => {
                self.enter(b'[')?;
                self.each(b']', Self::skip)
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        let found = self.text.as_bytes().get(self.at..)?;
        self.at += literal.len();
        found.starts_with(literal.as_bytes()).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.pass(b"-");
        match self.digits()? {
            (b'0', 2..) => return None,
            _ if self.pass(b".") => drop(self.digits()?),
            _ => {}
        }
        if self.pass(b"eE") {
            self.pass(b"+-");
            self.digits()?;
        }
        Some(())
    }

    /// Passes a byte if it is one of these.
    fn pass(&mut self, bytes: &[u8]) -> bool {
        let next = self.text.as_bytes().get(self.at);
        let is_one = next.is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(is_one);
        is_one
    }

    /// Passes digits: the first of them, and how many.
    fn digits(&mut self) -> Option<(u8, usize)> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        rest.first()
            .filter(|_| count > 0)
            .map(|first| (*first, count))
    }

    /// Passes a string whose opening quote is passed; whether it has no escapes.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let mut is_plain = true;
        loop {
            self.at = special(bytes, self.at)?;
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(is_plain);
                }
                b'\\' => {
                    is_plain = false;
                    self.at += escape(bytes.get(self.at + 1..)?)?;
                }
                _ => return None,
            }
        }
    }
}

/// Length of the escape that the backslash before these bytes begins.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let hex = bytes.get(1..5)?;
            hex.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
}

/// The place of the next quote, backslash or control character; eight bytes at a
/// time.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Of the high bits that a subtraction leaves, the lowest is right.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    while let Some(&chunk) = bytes.get(at..)?.first_chunk::<8>() {
        let word = u64::from_le_bytes(chunk);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = (quote | backslash | below(word, b' ')) & HIGH;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let found = bytes.get(at..)?.iter().position(is_special)?;
    Some(at + found)
}
