//! A reader for what is JSON, and only for that: it checks all of the text in one
//! pass and opens what it is asked to. `None` where the text is not JSON; the
//! parser then says why.

use std::ops::Range;

use super::object::{Member, Object, Place};
use super::value::{MAX_DEPTH, Value};
use super::{Shape, parse};

/// The members of an object, what has the shape opened with them.
pub(super) fn members<'a>(text: &'a str, shape: &'static Shape) -> Option<Members<'a>> {
    Cursor::over(text, b'{', |cursor| cursor.members(shape))
}

/// The items of an array.
pub(super) fn items(text: &str) -> Option<Vec<Value<'_>>> {
    Cursor::over(text, b'[', |cursor| cursor.items(None))
}

/// Gives the text of each item of an array to `read`, which may say that this is
/// enough.
pub(super) fn each_item<'a>(
    text: &'a str,
    mut read: impl FnMut(&'a str) -> Option<()>,
) -> Option<()> {
    Cursor::over(text, b'[', |cursor| {
        cursor.enter()?;
        cursor.each(b']', |cursor, first| read(cursor.unopened(first)?))
    })
}

/// What stands in one object.
pub(super) struct Members<'a> {
    pub members: Vec<Member<'a>>,
    /// Whether a key may stand there twice.
    pub may_repeat: bool,
}

/// Where a member stands, its key from `start` on; `None` beyond 4 GiB.
pub(super) fn place(start: usize, value: Range<usize>) -> Option<Place> {
    Some(Place {
        start: u32::try_from(start).ok()?,
        value: u32::try_from(value.start).ok()?,
        end: u32::try_from(value.end).ok()?,
        has_key: true,
    })
}

/// Room for the members of most objects.
const MEMBERS: usize = 10;

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How much deeper values may be nested.
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// Reads what is all of the text, and begins with the bracket.
    fn over<T>(text: &'a str, bracket: u8, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        // Places are kept in 32 bits.
        if text.as_bytes().first() != Some(&bracket) || u32::try_from(text.len()).is_err() {
            return None;
        }
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

    /// Passes a bracket that [`Cursor::peek`] has found.
    #[inline]
    fn enter(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.at += 1;
        Some(())
    }

    /// Goes through what stands between brackets, the first of which is passed.
    /// What is read begins with the byte that is found.
    #[inline]
    fn each(&mut self, end: u8, mut read: impl FnMut(&mut Self, u8) -> Option<()>) -> Option<()> {
        let mut first = self.peek()?;
        if first == end {
            self.at += 1;
        } else {
            loop {
                read(self, first)?;
                match self.next()? {
                    b',' => first = self.peek()?,
                    byte if byte == end => break,
                    _ => return None,
                }
            }
        }
        self.depth += 1;
        Some(())
    }

    fn members(&mut self, shape: &'static Shape) -> Option<Members<'a>> {
        let base = self.at;
        self.enter()?;
        let mut members = Vec::with_capacity(MEMBERS);
        let mut seen = 0_u64;
        let mut may_repeat = false;
        self.each(b'}', |cursor, first| {
            let start = cursor.at;
            let (key, is_plain) = cursor.key(first)?;
            cursor.take(b':')?;
            let first = cursor.peek()?;
            let value_start = cursor.at;
            let is_open = matches!(first, b'{' | b'[');
            let value = if is_open { "" } else { cursor.unopened(first)? };
            // Put together where it stays, and completed there where that takes
            // more: moving it about is what would cost.
            members.push(Member::unopened(
                key,
                Place {
                    start: (start - base) as u32,
                    value: (value_start - base) as u32,
                    end: (cursor.at - base) as u32,
                    has_key: true,
                },
                value,
            ));
            let mark = mark(key);
            may_repeat |= seen & mark != 0;
            seen |= mark;
            if !is_plain {
                let written = cursor.text.get(start..start + key.len() + 2)?;
                members.last_mut()?.decode_key(parse::string(written).ok()?);
                may_repeat = true;
            }
            if is_open {
                let member = members.last_mut()?;
                let value = cursor.opened(first, shape.member(member.key()))?;
                member.opened(value, (cursor.at - base) as u32);
            }
            Some(())
        })?;
        Some(Members {
            members,
            may_repeat,
        })
    }

    fn items(&mut self, shape: Option<&'static Shape>) -> Option<Vec<Value<'a>>> {
        self.enter()?;
        let mut items = Vec::new();
        self.each(b']', |cursor, first| {
            items.push(cursor.opened(first, shape)?);
            Some(())
        })?;
        Some(items)
    }

    /// The next object or array, which is opened if there is a shape for it.
    fn opened(&mut self, first: u8, shape: Option<&'static Shape>) -> Option<Value<'a>> {
        match (first, shape) {
            (b'{', Some(shape)) => {
                let start = self.at;
                let found = self.members(shape)?;
                let text = self.text.get(start..self.at)?;
                let repeats = found.may_repeat && parse::duplicate(&found.members).is_some();
                Some(match repeats {
                    // Whoever opens it learns which.
                    true => Value::Raw(text),
                    false => Value::Object(Object::from_parts(found.members, text)),
                })
            }
            (b'[', Some(shape)) => self.items(Some(shape)).map(Value::Array),
            _ => self.unopened(first).map(Value::Raw),
        }
    }

    /// The next value as it stands.
    #[inline]
    fn unopened(&mut self, first: u8) -> Option<&'a str> {
        let start = self.at;
        self.skip(first)?;
        self.text.get(start..self.at)
    }

    /// The key that stands here, between its quotes, and whether it has no escapes.
    #[inline]
    fn key(&mut self, first: u8) -> Option<(&'a str, bool)> {
        if first != b'"' {
            return None;
        }
        self.at += 1;
        let start = self.at;
        let is_plain = self.string()?;
        Some((self.text.get(start..self.at - 1)?, is_plain))
    }

    /// Passes the value that begins with the byte that stands here.
    #[inline]
    fn skip(&mut self, first: u8) -> Option<()> {
        if first == b'"' {
            self.at += 1;
            self.string().map(drop)
        } else {
            self.skip_other(first)
        }
    }

    #[inline(never)]
    fn skip_other(&mut self, first: u8) -> Option<()> {
        match first {
            b'{' => {
                self.enter()?;
                self.each(b'}', |cursor, first| {
                    if first != b'"' {
                        return None;
                    }
                    cursor.at += 1;
                    cursor.string()?;
                    cursor.take(b':')?;
                    let first = cursor.peek()?;
                    cursor.skip(first)
                })
            }
            b'[' => {
                self.enter()?;
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
        self.at = special(bytes, self.at)?;
        if bytes.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Some(true);
        }
        self.escaped_string()
    }

    /// Passes the rest of a string, which has escapes; false.
    #[cold]
    fn escaped_string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(false);
                }
                b'\\' => self.at += escape(bytes.get(self.at + 1..)?)?,
                _ => return None,
            }
            self.at = special(bytes, self.at)?;
        }
    }
}

/// One of 64 bits: two keys that have not the same are not the same.
fn mark(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let ends = match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => usize::from(*first) * 5 + usize::from(*last) * 3,
        _ => 0,
    };
    1 << ((ends + bytes.len()) % 64)
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
pub(super) fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    const SPACES: u64 = ONES * b' ' as u64;
    while let Some(&chunk) = bytes.get(at..)?.first_chunk::<8>() {
        let word = u64::from_le_bytes(chunk);
        // A subtraction borrows from the high bit of a byte that is too small; of
        // the bits that are left, the lowest is right.
        let borrows = (word ^ QUOTES).wrapping_sub(ONES)
            | (word ^ BACKSLASHES).wrapping_sub(ONES)
            | word.wrapping_sub(SPACES);
        let found = borrows & !word & HIGH;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let found = bytes.get(at..)?.iter().position(is_special)?;
    Some(at + found)
}
