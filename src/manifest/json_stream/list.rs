//! The items of a list, and what is between them.

use std::io::Read;

use super::fault::describe;
use super::scan::{Scanner, Stop, is_space};
use super::{Found, JsonSplitter, State};
use crate::manifest::Error;

/// What comes next in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    FirstItem,
    Item,
    Separator,
}

impl<R: Read> JsonSplitter<R> {
    /// A list's own text up to its items, or up to the first of them.
    pub(super) fn enter_list(&mut self, head: usize, first: Option<usize>) -> Found {
        self.indent.before(&self.buffer.window()[..head]);
        if first.is_some() {
            self.indent.item();
        }
        self.state = State::Items(Expect::FirstItem, first);
        Found::Between(head)
    }

    /// Between two items, or at one.
    pub(super) fn items(
        &mut self,
        expect: Expect,
        known: Option<usize>,
    ) -> Result<Option<Found>, Error> {
        if let Some(length) = known {
            self.state = State::Items(Expect::Separator, None);
            return Ok(Some(Found::Item(length)));
        }
        let window = self.buffer.window();
        let mut expect = expect;
        for (at, &byte) in window.iter().enumerate() {
            match (byte, expect) {
                (b' ' | b'\t' | b'\n' | b'\r', _) => {}
                (b',', Expect::Separator) => expect = Expect::Item,
                (b']', Expect::Separator | Expect::FirstItem) => {
                    self.indent.clear();
                    self.state = State::Tail(Scanner::inside_object());
                    return Ok(Some(Found::Between(at + 1)));
                }
                _ if at > 0 => {
                    self.indent.before(&window[..at]);
                    self.state = State::Items(expect, None);
                    return Ok(Some(Found::Between(at)));
                }
                (b',' | b']' | b'}' | b':', _) | (_, Expect::Separator) => {
                    let error = Error::ListSeparator {
                        at: self.buffer.place(0),
                        found: describe(window),
                        expected: match expect {
                            Expect::FirstItem => "an item or ]",
                            Expect::Item => "an item",
                            Expect::Separator => ", or ]",
                        },
                    };
                    return Ok(Some(self.broken(Some(error))));
                }
                _ => return self.item().map(Some),
            }
        }
        self.indent.before(window);
        self.state = State::Items(expect, None);
        Ok(Some(Found::Between(window.len())))
    }

    /// An item starts here; one that is no object is the list's own text.
    pub(super) fn item(&mut self) -> Result<Found, Error> {
        let first = self.buffer.window()[0];
        self.indent.item();
        self.state = State::Items(Expect::Separator, None);
        if !matches!(first, b'{' | b'[' | b'"') {
            loop {
                let window = self.buffer.window();
                let ends = |&b: &u8| is_space(b) || matches!(b, b',' | b']' | b'}');
                if let Some(length) = window.iter().position(ends) {
                    return Ok(Found::Between(length));
                }
                if window.len() >= self.limit || !self.buffer.fill()? {
                    let opened = self.opened;
                    let at = self.buffer.place(usize::MAX);
                    return Ok(self.broken(Some(Error::Truncated { at, opened })));
                }
            }
        }
        let mut scanner = Scanner::new();
        loop {
            match scanner.run(self.buffer.window(), self.indent.items()) {
                Stop::More => {
                    if let Some(found) = self.more(&mut scanner)? {
                        return Ok(found);
                    }
                }
                Stop::Closed(end) if first == b'{' => return Ok(Found::Item(end)),
                Stop::Closed(end) => return Ok(Found::Between(end)),
                Stop::Text { end, .. } => return Ok(Found::Between(end + 1)),
                Stop::Array(_) => {}
                Stop::Fault(at, fault) => return Ok(self.fault(at, fault)),
            }
        }
    }
}
