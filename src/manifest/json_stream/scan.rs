//! Finding a JSON value's end: strings, escapes and brackets, nothing else.

use crate::manifest::MAX_DEPTH;

const OUTSIDE: u8 = 1;
const INSIDE: u8 = 2;

/// The bytes that a scan stops at, outside and inside of strings.
const STOPS: [u8; 256] = {
    let mut stops = [0; 256];
    stops[b'"' as usize] = OUTSIDE | INSIDE;
    stops[b'{' as usize] = OUTSIDE;
    stops[b'}' as usize] = OUTSIDE;
    stops[b'[' as usize] = OUTSIDE;
    stops[b']' as usize] = OUTSIDE;
    stops[b'\\' as usize] = INSIDE;
    stops[b'\n' as usize] = INSIDE;
    stops
};

/// Why a scan came to a halt. Offsets are those of the text given to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text is used up.
    More,
    /// The bracket before this offset brought the depth down to the floor.
    Closed(usize),
    /// A string at the watched depth, quotes excluded.
    Text { start: usize, end: usize },
    /// An array opened at the watched depth.
    Array(usize),
    /// The text cannot be JSON.
    Fault(usize, Fault),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Bracket { found: u8, expected: u8 },
    NotClosed,
    LineBreak,
    TooDeep,
}

/// A scan that can be interrupted wherever the text ends.
#[derive(Debug)]
pub(super) struct Scanner {
    /// The next byte to look at.
    pub(super) at: usize,
    /// Stops when a bracket closes down to this depth.
    pub(super) floor: usize,
    /// Stops at strings and arrays right at this depth; 0: at none.
    pub(super) watch: usize,
    depth: usize,
    /// One bit a level, the innermost lowest: set for `[`.
    arrays: u128,
    string: Option<usize>,
    escaped: bool,
    /// Of the text that was dropped: the last byte that is no white space, and
    /// whether it ended with a line.
    before: Option<u8>,
    at_line_start: bool,
}

impl Scanner {
    pub(super) fn new() -> Self {
        Self {
            at: 0,
            floor: 0,
            watch: 0,
            depth: 0,
            arrays: 0,
            string: None,
            escaped: false,
            before: None,
            at_line_start: false,
        }
    }

    /// A scan that starts inside an object, after some of its members.
    pub(super) fn inside_object() -> Self {
        Self {
            depth: 1,
            ..Self::new()
        }
    }

    /// To be called with the whole text if it will be dropped.
    pub(super) fn forget(&mut self, text: &[u8]) {
        self.at = self.at.saturating_sub(text.len());
        self.string = self.string.map(|start| start.saturating_sub(text.len()));
        self.before = text
            .iter()
            .copied()
            .rfind(|&b| !is_space(b))
            .or(self.before);
        self.at_line_start = text.last() == Some(&b'\n');
    }

    /// Goes on to the next stop. The text is the same as at the last call, or
    /// longer; `indent` is the white space before each item of its list.
    pub(super) fn run(&mut self, text: &[u8], indent: Option<&[u8]>) -> Stop {
        loop {
            if self.escaped {
                if self.at >= text.len() {
                    return Stop::More;
                }
                // An escaped line break is one all the same.
                if text[self.at] != b'\n' {
                    self.at += 1;
                }
                self.escaped = false;
            }
            let class = if self.string.is_some() {
                INSIDE
            } else {
                OUTSIDE
            };
            let rest = text.get(self.at..).unwrap_or_default();
            let Some(skipped) = rest
                .iter()
                .position(|&b| STOPS[usize::from(b)] & class != 0)
            else {
                self.at = text.len();
                return Stop::More;
            };
            let at = self.at + skipped;
            let byte = text[at];
            self.at = at + 1;
            match byte {
                b'"' => {
                    if let Some(start) = self.string.take() {
                        if self.depth == self.watch {
                            return Stop::Text { start, end: at };
                        }
                    } else {
                        self.string = Some(at + 1);
                    }
                }
                b'\\' => self.escaped = true,
                b'\n' => return Stop::Fault(at, Fault::LineBreak),
                b'{' | b'[' => {
                    let array = byte == b'[';
                    if !array && self.depth > 0 && self.starts_line_wrongly(text, at, indent) {
                        return Stop::Fault(at, Fault::NotClosed);
                    }
                    if self.depth == MAX_DEPTH {
                        return Stop::Fault(at, Fault::TooDeep);
                    }
                    let watched = array && self.depth == self.watch && self.watch > 0;
                    self.depth += 1;
                    self.arrays = self.arrays << 1 | u128::from(array);
                    if watched {
                        return Stop::Array(at);
                    }
                }
                _ => {
                    let array = byte == b']';
                    if self.depth == 0 || (self.arrays & 1 == 1) != array {
                        let expected = if array { b'}' } else { b']' };
                        return Stop::Fault(
                            at,
                            Fault::Bracket {
                                found: byte,
                                expected,
                            },
                        );
                    }
                    self.depth -= 1;
                    self.arrays >>= 1;
                    if self.depth == self.floor {
                        return Stop::Closed(at + 1);
                    }
                }
            }
        }
    }

    /// Whether the `{` here, first on its line or first where items are, cannot
    /// be a part of the value that is open: then the value was cut short, and
    /// this is the next one.
    fn starts_line_wrongly(&self, text: &[u8], at: usize, indent: Option<&[u8]>) -> bool {
        let at_line_start = match at.checked_sub(1) {
            Some(before) => text[before] == b'\n',
            None => self.at_line_start,
        };
        let as_item = || {
            let line = indent.and_then(|indent| text[..at].strip_suffix(indent));
            line.is_some_and(|before| before.last() == Some(&b'\n'))
        };
        if !at_line_start && !as_item() {
            return false;
        }
        match text[..at]
            .iter()
            .copied()
            .rfind(|&b| !is_space(b))
            .or(self.before)
        {
            Some(b':' | b'[') | None => false,
            Some(b',') => self.arrays & 1 == 0,
            Some(_) => true,
        }
    }
}

/// Whether the string that starts (after its quote) here is a member's name.
pub(super) fn is_key(text: &[u8], start: usize) -> bool {
    let before = &text[..start.saturating_sub(1)];
    matches!(before.iter().rfind(|&&b| !is_space(b)), Some(b'{' | b','))
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
