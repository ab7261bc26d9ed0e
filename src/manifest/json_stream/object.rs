//! An object at the top of the stream, which may turn out to be a list.

use std::io::Read;

use super::scan::{Scanner, Stop, is_space};
use super::{Found, JsonSplitter, State};
use crate::manifest::Error;

impl<R: Read> JsonSplitter<R> {
    /// A top-level object starts here.
    pub(super) fn object(&mut self) -> Result<Found, Error> {
        self.opened = self.buffer.line();
        self.head = self.of_list.take().unwrap_or_default();
        self.indent.clear();
        let mut scanner = Scanner::new();
        scanner.watch = 1;
        // Where `items` opened, once its first item is looked into.
        let mut array = 0;
        loop {
            match scanner.run(self.buffer.window(), self.indent.items()) {
                Stop::More => {
                    if let Some(found) = self.more(&mut scanner)? {
                        return Ok(found);
                    }
                }
                Stop::Text { start, end } if scanner.watch == 1 => {
                    self.head.text(self.buffer.window(), start, end);
                }
                Stop::Text { start, end } => {
                    self.head.item_text(self.buffer.window(), start, end);
                }
                Stop::Array(at) => {
                    if scanner.watch != 1 || !self.head.at_items() {
                        continue;
                    }
                    match self.head.is_list() {
                        Some(true) => return Ok(self.enter_list(at + 1, None)),
                        Some(false) => scanner.watch = 0,
                        None => {
                            array = at + 1;
                            // Large enough a stretch of white space is no list.
                            let first = self.first_after(array)?;
                            match first.map(|at| (at, self.buffer.window()[at])) {
                                Some((at, b']')) => return Ok(self.enter_list(at, None)),
                                Some((at, b'{')) => {
                                    self.indent.before(&self.buffer.window()[array..at]);
                                    self.indent.item();
                                    scanner.floor = 2;
                                    scanner.watch = 3;
                                }
                                _ => scanner.watch = 0,
                            }
                        }
                    }
                }
                Stop::Closed(end) if scanner.floor == 2 => {
                    if self.head.item_has_kind {
                        let start = self.first_after(array)?.unwrap_or(array);
                        return Ok(self.enter_list(start, Some(end - start)));
                    }
                    self.indent.clear();
                    scanner.floor = 0;
                    scanner.watch = 0;
                }
                // The first item is broken: it is so as an item.
                Stop::Fault(..) if scanner.floor == 2 && self.head.item_has_kind => {
                    let start = self.first_after(array)?.unwrap_or(array);
                    return Ok(self.enter_list(start, None));
                }
                Stop::Closed(end) => return Ok(Found::Object(end)),
                Stop::Fault(at, fault) => {
                    self.indent.clear();
                    return Ok(self.fault(at, fault));
                }
            }
        }
    }

    /// The next byte from `from` on that is no white space, read if need be.
    pub(super) fn first_after(&mut self, from: usize) -> Result<Option<usize>, Error> {
        let mut from = from;
        loop {
            let rest = self.buffer.window().get(from..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|&b| !is_space(b)) {
                return Ok(Some(from + at));
            }
            from += rest.len();
            if from > self.limit || !self.buffer.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on inside an object; a piece if that is not possible.
    pub(super) fn more(&mut self, scanner: &mut Scanner) -> Result<Option<Found>, Error> {
        let length = self.buffer.window().len();
        if length >= self.limit {
            let line = self.buffer.line();
            scanner.forget(self.buffer.window());
            let in_list = matches!(self.state, State::Items(..));
            if !in_list {
                self.indent.clear();
            }
            self.state = State::Oversize(std::mem::replace(scanner, Scanner::new()), in_list);
            let error = Error::ObjectTooLarge {
                line,
                limit: self.limit,
            };
            return Ok(Some(Found::Broken(length, Some(error))));
        }
        if self.buffer.fill()? {
            return Ok(None);
        }
        let at = self.buffer.place(usize::MAX);
        let opened = self.opened;
        Ok(Some(self.broken(Some(Error::Truncated { at, opened }))))
    }
}
