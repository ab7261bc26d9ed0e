//! Splits a stream of JSON into its objects, and lists into their items.
//!
//! One object is held at a time. An object is a list if its member `items` is
//! an array and a `kind` before it ends in `List`, or, where no `kind` came
//! before it, if the first item has a `kind` of its own: kubectl writes `kind`
//! behind `items`, with full items, and the API server before them, without.
//! Whoever has such a list whole can read its kind first: [`JsonSplitter::of_list`].

mod head;
mod list;
mod resync;
mod scan;

use std::io::Read;

use self::head::Head;
use self::list::Expect;
use self::resync::Indent;
use self::scan::{Fault, Scanner, Stop, is_space};
use super::buffer::Buffer;
use super::{DEFAULT_LIMIT, Error, MAX_DEPTH, Piece};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Splits concatenated, newline-delimited or pretty-printed JSON objects.
///
/// What is broken is given out as such; reading goes on at the next line that
/// starts with `{`, in a list also at the next that starts as its items do.
pub struct JsonSplitter<R> {
    buffer: Buffer<R>,
    limit: usize,
    /// Bytes of the piece that was given out last.
    given: usize,
    state: State,
    head: Head,
    /// What the first object, a list, says of itself, if that is known.
    of_list: Option<Head>,
    /// How a list's items are indented.
    indent: Indent,
    /// The line on which the list that is read starts.
    opened: u64,
}

#[derive(Debug)]
enum State {
    Start,
    Between,
    /// In a list's items; the length of the item that comes, if known already.
    Items(Expect, Option<usize>),
    /// In a list behind its items.
    Tail(Scanner),
    /// In an object over the limit, which may be a list's item.
    Oversize(Scanner, bool),
    /// After an error; whether a line starts here.
    Resync {
        at_line_start: bool,
    },
}

/// What a stretch at the window's start is.
enum Found {
    Between(usize),
    Object(usize),
    Item(usize),
    Broken(usize, Option<Error>),
    End,
}

/// How far [`JsonSplitter::run_through`] came.
enum Through {
    More(usize),
    Closed(usize),
    Fault(Found),
}

impl<R: Read> JsonSplitter<R> {
    /// Splits `reader`, which need not be buffered.
    pub fn new(reader: R) -> Self {
        Self {
            buffer: Buffer::new(reader),
            limit: DEFAULT_LIMIT,
            given: 0,
            state: State::Start,
            head: Head::default(),
            of_list: None,
            indent: Indent::default(),
            opened: 1,
        }
    }

    /// Says that the first object is a list of this kind, for whoever knows it
    /// from the whole text: then its items are found wherever its kind stands.
    #[must_use]
    pub fn of_list(mut self, api_version: &str, kind: &str) -> Self {
        self.of_list = Some(Head::of_list(api_version, kind));
        self
    }

    /// Sets the largest object that is held, in bytes; a list counts item by item.
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
        let found = self.find()?;
        let line = self.buffer.line();
        let (given, error, list) = match found {
            Found::End => return Ok(None),
            Found::Between(given) => {
                self.given = given;
                return Ok(Some(Piece::Between(&self.buffer.window()[..given])));
            }
            Found::Broken(given, error) => (given, Some(error), None),
            Found::Object(given) => (given, None, None),
            Found::Item(given) => (given, None, Some(self.head.list_item())),
        };
        self.given = given;
        let text = &self.buffer.window()[..given];
        Ok(Some(match error {
            Some(error) => Piece::Broken { text, line, error },
            None => Piece::Object {
                text,
                line,
                own_marker: false,
                list,
            },
        }))
    }

    fn find(&mut self) -> Result<Found, Error> {
        loop {
            if self.buffer.window().is_empty() && !self.buffer.fill()? {
                return Ok(self.end());
            }
            match std::mem::replace(&mut self.state, State::Between) {
                State::Start => {
                    while self.buffer.window().len() < BOM.len() && self.buffer.fill()? {}
                    if self.buffer.window().starts_with(BOM) {
                        return Ok(Found::Between(BOM.len()));
                    }
                }
                State::Between => {
                    let window = self.buffer.window();
                    return match window.iter().position(|&b| !is_space(b)) {
                        None => Ok(Found::Between(window.len())),
                        Some(0) if window[0] == b'{' => self.object(),
                        Some(0) => Ok(self.stray()),
                        Some(spaces) => Ok(Found::Between(spaces)),
                    };
                }
                State::Items(expect, length) => {
                    if let Some(found) = self.items(expect, length)? {
                        return Ok(found);
                    }
                }
                State::Tail(mut scanner) => {
                    return Ok(match self.run_through(&mut scanner, State::Between) {
                        Through::More(length) => {
                            self.state = State::Tail(scanner);
                            Found::Between(length)
                        }
                        Through::Closed(length) => Found::Between(length),
                        Through::Fault(found) => found,
                    });
                }
                State::Oversize(mut scanner, in_list) => {
                    let next = match in_list {
                        true => State::Items(Expect::Separator, None),
                        false => State::Between,
                    };
                    return Ok(match self.run_through(&mut scanner, next) {
                        Through::More(length) => {
                            self.state = State::Oversize(scanner, in_list);
                            Found::Broken(length, None)
                        }
                        Through::Closed(length) => Found::Broken(length, None),
                        Through::Fault(found) => found,
                    });
                }
                State::Resync { at_line_start } => match self.starts_again(at_line_start)? {
                    Some(state) => self.state = state,
                    None => return Ok(self.broken(None)),
                },
            }
        }
    }

    /// At the input's end, with nothing left.
    fn end(&mut self) -> Found {
        match std::mem::replace(&mut self.state, State::Between) {
            State::Start | State::Between | State::Resync { .. } => Found::End,
            State::Items(..) | State::Tail(_) | State::Oversize(..) => {
                let at = self.buffer.place(0);
                Found::Broken(
                    0,
                    Some(Error::Truncated {
                        at,
                        opened: self.opened,
                    }),
                )
            }
        }
    }

    /// A top-level object starts here.
    fn object(&mut self) -> Result<Found, Error> {
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
    fn first_after(&mut self, from: usize) -> Result<Option<usize>, Error> {
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
    fn more(&mut self, scanner: &mut Scanner) -> Result<Option<Found>, Error> {
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

    /// Text that nobody looks into, up to the end of the object it is in,
    /// behind which `next` holds.
    fn run_through(&mut self, scanner: &mut Scanner, next: State) -> Through {
        scanner.floor = 0;
        scanner.watch = 0;
        let window = self.buffer.window();
        match scanner.run(window, self.indent.items()) {
            Stop::Closed(end) => {
                self.state = next;
                Through::Closed(end)
            }
            Stop::Fault(at, fault) => {
                // What came before was given out, or might have been: only what
                // is behind can be a new object.
                let from = match fault {
                    Fault::NotClosed => {
                        memchr::memrchr(b'\n', &window[..at]).map_or(0, |end| end + 1)
                    }
                    _ => at + 1,
                };
                let error = self.error(at, fault);
                Through::Fault(self.broken_from(from, Some(error)))
            }
            // Strings and arrays are not watched.
            Stop::More | Stop::Text { .. } | Stop::Array(_) => {
                scanner.forget(window);
                Through::More(window.len())
            }
        }
    }

    fn stray(&mut self) -> Found {
        let window = self.buffer.window();
        let hint = if window.starts_with(b"---") {
            "; to read this as YAML, start the input with a --- line"
        } else if window[0] == b'[' {
            "; give the objects one after the other, or as a List"
        } else {
            ""
        };
        let error = Error::Stray {
            at: self.buffer.place(0),
            found: describe(window),
            hint,
        };
        self.broken(Some(error))
    }

    fn fault(&mut self, at: usize, fault: Fault) -> Found {
        let error = self.error(at, fault);
        self.broken(Some(error))
    }

    fn error(&self, at: usize, fault: Fault) -> Error {
        let at = self.buffer.place(at);
        let opened = self.opened;
        match fault {
            Fault::Bracket { found, expected } => Error::Bracket {
                at,
                found: char::from(found),
                expected: char::from(expected),
                opened,
            },
            Fault::NotClosed => Error::NotClosed { at, opened },
            Fault::LineBreak => Error::LineBreakInString { at },
            Fault::TooDeep => Error::TooDeep {
                at,
                limit: MAX_DEPTH,
            },
        }
    }
}

fn describe(window: &[u8]) -> String {
    let word = window
        .iter()
        .take(20)
        .take_while(|b| b.is_ascii_graphic())
        .count();
    match std::str::from_utf8(&window[..word]) {
        Ok(word) if !word.is_empty() => format!("'{word}'"),
        _ => format!("byte 0x{:02x}", window.first().copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
