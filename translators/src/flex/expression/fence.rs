//! What is refused before the parser sees it: `cel` parses, checks and runs by
//! recursion, and a deep source would end the process.

use super::Refused;

/// Longest source, in bytes.
pub(super) const SOURCE_BYTES: usize = 2048;
/// Most brackets inside of one another. The parser takes some 160 KiB of stack
/// for each in a debug build, out of the 2 MiB of a thread.
const BRACKETS: usize = 6;
/// Most brackets, operators and member accesses inside of one another. Counted
/// on the source, so it is above what the tree may have.
const NESTING: usize = 48;

/// Refuses a source that is too long or nested too deep.
pub(super) fn check(source: &str) -> Result<(), Refused> {
    if source.len() > SOURCE_BYTES {
        return Err(Refused {
            offset: 0,
            message: format!(
                "the expression has {} bytes, at most {SOURCE_BYTES} are allowed",
                source.len()
            ),
        });
    }
    let mut levels = Levels::default();
    let mut rest = Scanner::new(source);
    while let Some(token) = rest.next() {
        levels.take(token);
        if levels.depth() > NESTING || levels.brackets() > BRACKETS {
            return Err(Refused {
                offset: source
                    .get(..rest.at)
                    .map_or(0, |read| read.chars().count() - 1),
                message: format!(
                    "the expression is nested too deep; at most {BRACKETS} brackets inside of one another are allowed"
                ),
            });
        }
    }
    Ok(())
}

/// Open brackets, each with what stands before it on its level.
struct Levels(Vec<Level>);

#[derive(Default, Clone, Copy)]
struct Level {
    /// `?` so far: each opens a tree to its right.
    conditionals: usize,
    /// Operators since the last comma, `&&` or `||`: each puts a tree around
    /// what stands to its left.
    chain: usize,
}

impl Default for Levels {
    fn default() -> Self {
        Self(vec![Level::default()])
    }
}

impl Levels {
    fn take(&mut self, token: Token) {
        if token == Token::Close && self.0.len() > 1 {
            self.0.pop();
        }
        let Some(level) = self.0.last_mut() else {
            return;
        };
        match token {
            Token::Operator | Token::Close => level.chain += 1,
            Token::Conditional => {
                level.conditionals += 1;
                level.chain = 0;
            }
            Token::Otherwise | Token::Logical => level.chain = 0,
            Token::Comma => *level = Level::default(),
            Token::Open => self.0.push(Level::default()),
        }
    }

    fn brackets(&self) -> usize {
        self.0.len() - 1
    }

    fn depth(&self) -> usize {
        let depth = |level: &Level| level.conditionals + level.chain + 1;
        self.0.iter().map(depth).sum()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    Conditional,
    Otherwise,
    /// `&&` and `||`, which the parser balances.
    Logical,
    Operator,
}

/// Finds what nests; texts and names are passed over.
struct Scanner<'s> {
    source: &'s [u8],
    at: usize,
}

impl<'s> Scanner<'s> {
    fn new(source: &'s str) -> Self {
        Self {
            source: source.as_bytes(),
            at: 0,
        }
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.source[self.at..].starts_with(text)
    }

    fn next(&mut self) -> Option<Token> {
        while let Some(&byte) = self.source.get(self.at) {
            let token = match byte {
                b'"' | b'\'' => {
                    self.skip_text(byte);
                    continue;
                }
                b'`' => {
                    self.skip_until(b"`", 1, false);
                    continue;
                }
                b'/' if self.starts_with(b"//") => {
                    self.skip_until(b"\n", 1, false);
                    continue;
                }
                b'i' if self.is_word(b"in") => {
                    self.at += 2;
                    return Some(Token::Operator);
                }
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                    self.skip_word();
                    continue;
                }
                b'(' | b'[' | b'{' => Token::Open,
                b')' | b']' | b'}' => Token::Close,
                b',' => Token::Comma,
                b'?' => Token::Conditional,
                b':' => Token::Otherwise,
                b'&' | b'|' => Token::Logical,
                b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'=' => {
                    Token::Operator
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            };
            self.at += 1;
            let second = matches!(byte, b'<' | b'>' | b'=' | b'!') && self.starts_with(b"=");
            self.at += usize::from(second);
            return Some(token);
        }
        None
    }

    fn is_word(&self, word: &[u8]) -> bool {
        let after = self.source.get(self.at + word.len());
        self.starts_with(word)
            && !after.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }

    /// Skips a name or a number; for the prefix of a raw text, the text as well.
    fn skip_word(&mut self) {
        let start = self.at;
        while self
            .source
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            self.at += 1;
        }
        let raw = self.source[start..self.at]
            .iter()
            .any(|byte| byte.eq_ignore_ascii_case(&b'r'));
        let prefix = self.at - start <= 2;
        if let Some(&quote @ (b'"' | b'\'')) = self.source.get(self.at)
            && raw
            && prefix
        {
            let end = self.quotes(quote);
            self.skip_until(&end, end.len(), false);
        }
    }

    fn skip_text(&mut self, quote: u8) {
        let end = self.quotes(quote);
        self.skip_until(&end, end.len(), true);
    }

    /// One quote, or three where three stand.
    fn quotes(&self, quote: u8) -> Vec<u8> {
        let three = [quote; 3];
        if self.starts_with(&three) {
            three.to_vec()
        } else {
            vec![quote]
        }
    }

    fn skip_until(&mut self, end: &[u8], opening: usize, escapes: bool) {
        self.at += opening;
        while self.at < self.source.len() && !self.starts_with(end) {
            let escaped = escapes && self.source[self.at] == b'\\';
            self.at += 1 + usize::from(escaped);
        }
        self.at = (self.at + end.len()).min(self.source.len());
    }
}
