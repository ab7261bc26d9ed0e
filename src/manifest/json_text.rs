//! JSON that is known to be valid, token by token, as it is written.

use super::Place;

/// A token; commas and colons are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// With its quotes and escapes.
    String(&'a str),
    /// A number, `true`, `false` or `null`.
    Bare(&'a str),
}

/// The tokens of a text. Of one that is not JSON it gives some nonsense, and an
/// end.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the last token ends.
    pub(super) fn place(&self) -> Place {
        let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Place {
            line: memchr::memchr_iter(b'\n', before).count() as u64 + 1,
            column: (before.len() - start) as u64,
        }
    }

    /// The value that comes next, as it is written.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let mut depth = 0_usize;
        let mut start = None;
        loop {
            let token = self.next()?;
            start.get_or_insert(self.at - token.len());
            match token {
                Token::ObjectStart | Token::ArrayStart => depth += 1,
                Token::ObjectEnd | Token::ArrayEnd => depth = depth.saturating_sub(1),
                Token::String(_) | Token::Bare(_) => {}
            }
            if depth == 0 {
                return self.text.get(start?..self.at);
            }
        }
    }
}

impl Token<'_> {
    fn len(&self) -> usize {
        match self {
            Self::String(text) | Self::Bare(text) => text.len(),
            _ => 1,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        let skip = |b: &u8| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
        let start = self.at + bytes.get(self.at..)?.iter().position(skip)?;
        self.at = start + 1;
        Some(match bytes[start] {
            b'{' => Token::ObjectStart,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayStart,
            b']' => Token::ArrayEnd,
            b'"' => {
                loop {
                    let stop = memchr::memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
                    self.at += stop + 1;
                    if bytes[self.at - 1] == b'"' {
                        break;
                    }
                    self.at += 1;
                }
                Token::String(self.text.get(start..self.at)?)
            }
            _ => {
                let ends =
                    |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'}' | b']');
                let length = bytes[start..].iter().position(ends);
                self.at = length.map_or(bytes.len(), |length| start + length.max(1));
                Token::Bare(self.text.get(start..self.at)?)
            }
        })
    }
}
