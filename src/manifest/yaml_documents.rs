//! Splits a stream of YAML into its documents.
//!
//! `---` or `...` in the first column, with nothing or white space behind it,
//! is a marker wherever it stands, in block scalars too; so lines are all that
//! has to be looked at.

use std::io::Read;

use super::buffer::Buffer;
use super::{DEFAULT_LIMIT, Error, Piece};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Comments and blank lines are given out in stretches of about this.
const BETWEEN: usize = 64 << 10;

/// Splits YAML into documents; each is one [`Piece::Object`].
///
/// Markers, and the comments and blank lines before a document's first line of
/// content, are [`Piece::Between`], and so are documents of nothing else.
pub struct YamlSplitter<R> {
    buffer: Buffer<R>,
    limit: usize,
    /// Bytes of the piece that was given out last.
    given: usize,
    /// Bytes at the window's start that make up the current piece so far.
    at: usize,
    /// Bytes behind `at` that are known to hold no line's end.
    searched: usize,
    kind: Kind,
    /// Directives may come: nothing did yet, or a `...`.
    prolog: bool,
    /// In the middle of a line of which the start was given out.
    mid_line: bool,
    start: bool,
}

/// What the current piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Between,
    /// `%` lines, and no `---` yet.
    Directives,
    Document {
        own_marker: bool,
    },
    /// A document over the limit, whose start was given out.
    Oversize,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing, or a comment.
    Blank,
    /// `---`, and whether there is more than a comment behind it.
    Start {
        content: bool,
    },
    /// `...`
    End,
    Directive,
    Content,
}

impl<R: Read> YamlSplitter<R> {
    /// Splits `reader`, which need not be buffered.
    pub fn new(reader: R) -> Self {
        Self {
            buffer: Buffer::new(reader),
            limit: DEFAULT_LIMIT,
            given: 0,
            at: 0,
            searched: 0,
            kind: Kind::Between,
            prolog: true,
            mid_line: false,
            start: true,
        }
    }

    /// Sets the largest document that is held, in bytes.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Read`] if reading fails; nothing comes after it. What is wrong
    /// with the input is in [`Piece::Broken`].
    #[expect(clippy::should_implement_trait, reason = "lends from its buffer")]
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, Error> {
        self.buffer.consume(std::mem::take(&mut self.given));
        let too_large = self.find()?;
        let line = self.buffer.line();
        self.given = std::mem::take(&mut self.at);
        if self.given == 0 {
            return Ok(None);
        }
        let kind = self.kind;
        let error = too_large.then_some(Error::DocumentTooLarge {
            line,
            limit: self.limit,
        });
        self.kind = match kind {
            _ if too_large => Kind::Oversize,
            Kind::Oversize => Kind::Oversize,
            _ => Kind::Between,
        };
        let text = &self.buffer.window()[..self.given];
        Ok(Some(match kind {
            _ if too_large => Piece::Broken { text, line, error },
            Kind::Between => Piece::Between(text),
            Kind::Oversize => Piece::Broken {
                text,
                line,
                error: None,
            },
            Kind::Directives => Piece::Object {
                text,
                line,
                own_marker: false,
                list: None,
            },
            Kind::Document { own_marker } => Piece::Object {
                text,
                line,
                own_marker,
                list: None,
            },
        }))
    }

    /// Sets `at` to the end of a piece, 0 at the input's end; whether the piece
    /// is the start of a document that is too large.
    fn find(&mut self) -> Result<bool, Error> {
        if std::mem::take(&mut self.start) {
            while self.buffer.window().len() < BOM.len() && self.buffer.fill()? {}
            if self.buffer.window().starts_with(BOM) {
                self.at = BOM.len();
                return Ok(false);
            }
        }
        loop {
            let rest = &self.buffer.window()[self.at..];
            let end = match memchr::memchr(b'\n', &rest[self.searched..]) {
                Some(newline) => self.searched + newline + 1,
                None => {
                    self.searched = rest.len();
                    let full = self.mid_line || self.at + rest.len() > self.limit;
                    // What comes before the line is a piece of its own.
                    if full && self.at > 0 && self.kind == Kind::Between {
                        self.searched = 0;
                        return Ok(false);
                    }
                    if full && !rest.is_empty() {
                        let too_large = self.kind != Kind::Oversize;
                        self.at += self.searched;
                        self.searched = 0;
                        self.mid_line = true;
                        return Ok(too_large);
                    }
                    if self.buffer.fill()? {
                        continue;
                    }
                    self.searched
                }
            };
            if end == 0 {
                return Ok(false);
            }
            self.searched = 0;
            if !std::mem::take(&mut self.mid_line) {
                let line = classify(&self.buffer.window()[self.at..self.at + end]);
                if !self.takes(line) {
                    return Ok(false);
                }
            }
            self.at += end;
            if self.at > self.limit && self.kind != Kind::Between {
                return Ok(self.kind != Kind::Oversize);
            }
            if self.at >= BETWEEN && matches!(self.kind, Kind::Between | Kind::Oversize) {
                return Ok(false);
            }
        }
    }

    /// Whether a line goes on the current piece; if not, that ends before it.
    fn takes(&mut self, line: Line) -> bool {
        if self.kind == Kind::Oversize {
            if !matches!(line, Line::Start { .. } | Line::End) {
                return true;
            }
            if self.at > 0 {
                return false;
            }
            self.kind = Kind::Between;
        }
        let line = match line {
            Line::Directive if self.kind == Kind::Between && !self.prolog => Line::Content,
            line => line,
        };
        let (taken, kind) = match (line, self.kind) {
            (Line::Blank, kind) => (true, kind),
            (Line::Start { content: false }, Kind::Between) => (true, Kind::Between),
            (Line::Start { content: true }, Kind::Between) => {
                (self.at == 0, Kind::Document { own_marker: true })
            }
            (Line::Start { .. }, Kind::Directives) => (true, Kind::Document { own_marker: true }),
            (Line::End, Kind::Between) => (true, Kind::Between),
            (Line::Start { .. } | Line::End, kind) => (false, kind),
            (Line::Directive, Kind::Between) => (self.at == 0, Kind::Directives),
            (Line::Content, Kind::Between) => (self.at == 0, Kind::Document { own_marker: false }),
            (Line::Directive, kind) => (true, kind),
            (Line::Content, Kind::Directives) => (true, Kind::Document { own_marker: false }),
            (Line::Content, kind) => (true, kind),
        };
        if taken {
            self.kind = kind;
            self.prolog = match line {
                Line::End => true,
                Line::Blank | Line::Directive => self.prolog,
                Line::Start { .. } | Line::Content => false,
            };
        }
        taken
    }
}

fn classify(line: &[u8]) -> Line {
    let blank = |text: &[u8]| {
        let first = text
            .iter()
            .find(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
        matches!(first, None | Some(b'#'))
    };
    let marker = |rest: &[u8]| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n'));
    if let Some(rest) = line.strip_prefix(b"---").filter(|rest| marker(rest)) {
        return Line::Start {
            content: !blank(rest),
        };
    }
    match line {
        [b'.', b'.', b'.', rest @ ..] if marker(rest) => Line::End,
        [b'%', ..] => Line::Directive,
        line if blank(line) => Line::Blank,
        _ => Line::Content,
    }
}

#[cfg(test)]
mod tests;
