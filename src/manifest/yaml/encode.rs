//! JSON to YAML in blocks.

use serde::de::IgnoredAny;

use crate::manifest::json_text::{Token, Tokens};
use crate::manifest::{Error, MAX_DEPTH};

/// Longer keys are written as `? key`: YAML 1.1 readers look no further for the
/// colon of the short form, and kubectl's writer stops here.
const SHORT_KEY: usize = 128;

/// Makes a JSON text YAML as kubectl prints it: blocks, two columns a level,
/// lists at their key's column. Members stay in their order and numbers as they
/// are written; a string is quoted wherever kubectl would read something else.
///
/// # Errors
/// [`Error::Json`] if `text` is not one JSON value, or has a string with a lone
/// surrogate (`"\ud800"`); [`Error::TooDeep`].
pub fn from_json(text: &str) -> Result<String, Error> {
    serde_json::from_str::<IgnoredAny>(text).map_err(Error::Json)?;
    let mut encoder = Encoder {
        tokens: Tokens::new(text),
        out: String::with_capacity(text.len() * 5 / 4),
    };
    match encoder.tokens.next() {
        Some(token) if encoder.is_block(token) => encoder.block(token, 0, true, 0)?,
        Some(token) => {
            encoder.inline(token, None)?;
        }
        None => {}
    }
    Ok(encoder.out)
}

struct Encoder<'a> {
    tokens: Tokens<'a>,
    out: String,
}

impl Encoder<'_> {
    /// Whether a value takes lines of its own.
    fn is_block(&self, first: Token<'_>) -> bool {
        let next = || self.tokens.clone().next();
        match first {
            Token::ObjectStart => next() != Some(Token::ObjectEnd),
            Token::ArrayStart => next() != Some(Token::ArrayEnd),
            _ => false,
        }
    }

    /// A list or mapping that is not empty, at a column; `placed`: the output
    /// is there already.
    fn block(
        &mut self,
        first: Token<'_>,
        column: usize,
        placed: bool,
        depth: usize,
    ) -> Result<(), Error> {
        if depth >= MAX_DEPTH {
            return Err(Error::TooDeep {
                at: self.tokens.place(),
                limit: MAX_DEPTH,
            });
        }
        let mut placed = placed;
        while let Some(token) = self.tokens.next() {
            if matches!(token, Token::ObjectEnd | Token::ArrayEnd) {
                break;
            }
            if !std::mem::take(&mut placed) {
                self.indent(column);
            }
            if first == Token::ArrayStart {
                self.out.push('-');
                self.placed_value(token, column, depth)?;
                continue;
            }
            let long = self.key(token)?;
            if long {
                self.out.push('\n');
                self.indent(column);
            }
            self.out.push(':');
            let Some(value) = self.tokens.next() else {
                break;
            };
            if long || !self.is_block(value) {
                self.placed_value(value, column, depth)?;
            } else {
                self.out.push('\n');
                let inner = if value == Token::ArrayStart {
                    column
                } else {
                    column + 2
                };
                self.block(value, inner, false, depth + 1)?;
            }
        }
        Ok(())
    }

    /// A value that starts on the line that is open.
    fn placed_value(&mut self, value: Token<'_>, column: usize, depth: usize) -> Result<(), Error> {
        self.out.push(' ');
        if self.is_block(value) {
            self.block(value, column + 2, true, depth + 1)
        } else {
            self.inline(value, Some(column + 2))
        }
    }

    /// Writes a key; whether it is one that needs `?`.
    fn key(&mut self, token: Token<'_>) -> Result<bool, Error> {
        let Token::String(text) = token else {
            return Ok(false);
        };
        let key = scalar(&unescape(text)?);
        let long = key.len() > SHORT_KEY;
        if long {
            self.out.push_str("? ");
        }
        self.out.push_str(&key);
        Ok(long)
    }

    /// A scalar or an empty collection, and the line's end. Text in several
    /// lines is a literal block at the column, if there is one.
    fn inline(&mut self, token: Token<'_>, block: Option<usize>) -> Result<(), Error> {
        match token {
            Token::Bare(text) => self.out.push_str(text),
            Token::String(text) => {
                let text = unescape(text)?;
                match block {
                    Some(column) if fits_literal(&text) => {
                        self.literal(&text, column);
                        return Ok(());
                    }
                    _ => self.out.push_str(&scalar(&text)),
                }
            }
            Token::ObjectStart => {
                self.tokens.next();
                self.out.push_str("{}");
            }
            Token::ArrayStart => {
                self.tokens.next();
                self.out.push_str("[]");
            }
            Token::ObjectEnd | Token::ArrayEnd => {}
        }
        self.out.push('\n');
        Ok(())
    }

    fn literal(&mut self, text: &str, column: usize) {
        let body = text.trim_end_matches('\n');
        self.out.push_str(match text.len() - body.len() {
            0 => "|-",
            1 => "|",
            _ => "|+",
        });
        self.out.push('\n');
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.indent(column);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }
}

fn unescape(text: &str) -> Result<std::borrow::Cow<'_, str>, Error> {
    let inner = &text[1..text.len().saturating_sub(1).max(1)];
    if !inner.contains('\\') {
        return Ok(inner.into());
    }
    serde_json::from_str::<String>(text)
        .map(Into::into)
        .map_err(Error::Json)
}

/// Whether a text can be a literal block that every reader reads back: several
/// lines, of characters that YAML prints, the first of which gives the
/// indentation away, and none of blanks alone.
fn fits_literal(text: &str) -> bool {
    let printable = |c: char| {
        matches!(c, '\n' | '\t' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && text.chars().all(printable)
        && text
            .split('\n')
            .all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

/// A string on one line, quoted if it has to be.
fn scalar(text: &str) -> String {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    // It knows all spellings that some YAML 1.1 reader takes for something
    // else; a string alone does not fail.
    let mut written = serde_saphyr::to_string_with_options(&text, options).unwrap_or_default();
    written.truncate(written.trim_end_matches('\n').len());
    written
}
