//! Where reading goes on after an error.

use std::io::Read;

use super::list::Expect;
use super::{Found, JsonSplitter, State};
use crate::manifest::Error;

/// Wider indentation is not taken note of, so that a line's start is always in
/// the window.
const WIDEST: usize = 256;

/// How a list's items are indented: at the start of a line so indented, `{` is
/// the next item.
#[derive(Debug, Default)]
pub(super) struct Indent {
    /// Of the last item that stands first on its line.
    items: Option<Vec<u8>>,
    /// What stands on the line so far, if that is white space.
    line: Option<Vec<u8>>,
}

/// What a line starts with, for a reader that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// An object of its own.
    Object,
    /// The next item of the list.
    Item,
    /// The end of the list's items.
    End,
    /// Nothing that helps.
    Other,
    /// More of it has to be read.
    Undecided,
}

impl Indent {
    /// Forgets all: another object starts.
    pub(super) fn clear(&mut self) {
        self.items = None;
        self.line = None;
    }

    /// Takes note of text between two items.
    pub(super) fn before(&mut self, text: &[u8]) {
        let (line, rest) = match memchr::memrchr(b'\n', text) {
            Some(newline) => (Some(Vec::new()), &text[newline + 1..]),
            None => (self.line.take(), text),
        };
        self.line = line.filter(|line| {
            line.len() + rest.len() <= WIDEST && rest.iter().all(|b| matches!(b, b' ' | b'\t'))
        });
        if let Some(line) = &mut self.line {
            line.extend_from_slice(rest);
        }
    }

    /// An item starts here.
    pub(super) fn item(&mut self) {
        if let Some(line) = self.line.take() {
            self.items = Some(line);
        }
    }

    /// The white space before each item.
    pub(super) fn items(&self) -> Option<&[u8]> {
        self.items.as_deref()
    }

    fn line(&self, start: &[u8]) -> Line {
        let Some(first) = start.first() else {
            return Line::Undecided;
        };
        let Some(items) = self.items() else {
            return match first {
                b'{' => Line::Object,
                _ => Line::Other,
            };
        };
        if items.is_empty() {
            // An object of its own would look the same: the list goes on.
            return match first {
                b'{' => Line::Item,
                b']' => Line::End,
                _ => Line::Other,
            };
        }
        if *first == b'{' {
            return Line::Object;
        }
        let spaces = start
            .iter()
            .take(items.len() + 1)
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        if spaces > items.len() {
            return Line::Other;
        }
        match start.get(spaces) {
            None => Line::Undecided,
            Some(b'{') if &start[..spaces] == items => Line::Item,
            Some(b']') if spaces < items.len() => Line::End,
            Some(_) => Line::Other,
        }
    }
}

impl Line {
    fn state(self) -> Option<State> {
        match self {
            Self::Object => Some(State::Between),
            Self::Item => Some(State::Items(Expect::Item, None)),
            Self::End => Some(State::Items(Expect::Separator, None)),
            Self::Other | Self::Undecided => None,
        }
    }
}

impl<R: Read> JsonSplitter<R> {
    /// After an error: what holds from the window's start on, if that is known
    /// again.
    pub(super) fn starts_again(&mut self, at_line_start: bool) -> Result<Option<State>, Error> {
        if !at_line_start {
            return Ok(None);
        }
        loop {
            let line = self.indent.line(self.buffer.window());
            if line != Line::Undecided || !self.buffer.fill()? {
                return Ok(line.state());
            }
        }
    }

    /// Everything here up to the next line at which reading can go on is broken.
    pub(super) fn broken(&mut self, error: Option<Error>) -> Found {
        self.broken_from(1, error)
    }

    /// The same, where that line starts at `from` at the earliest; `from` itself
    /// is the start of a line if it is 0.
    pub(super) fn broken_from(&mut self, from: usize, error: Option<Error>) -> Found {
        let window = self.buffer.window();
        let first = (from == 0).then_some(0);
        let breaks = memchr::memchr_iter(
            b'\n',
            window.get(from.saturating_sub(1)..).unwrap_or_default(),
        );
        let starts = breaks.map(|at| from.saturating_sub(1) + at + 1);
        for start in first.into_iter().chain(starts) {
            let line = self.indent.line(&window[start..]);
            if line == Line::Undecided {
                self.state = State::Resync {
                    at_line_start: true,
                };
                return Found::Broken(start, error);
            }
            if let Some(state) = line.state() {
                self.state = state;
                return Found::Broken(start, error);
            }
        }
        self.state = State::Resync {
            at_line_start: false,
        };
        Found::Broken(window.len(), error)
    }
}
