//! Splits a stream of JSON into its objects, and lists into their items.
//!
//! One object is held at a time. An object is a list if its member `items` is
//! an array and a `kind` before it ends in `List`, or, where no `kind` came
//! before it, if the first item has a `kind` of its own: kubectl writes `kind`
//! behind `items`, with full items, and the API server before them, without.
//! Whoever has such a list whole can read its kind first: [`JsonSplitter::of_list`].

mod fault;
mod head;
mod list;
mod object;
mod resync;
mod scan;

use std::io::Read;

use self::head::Head;
use self::list::Expect;
use self::resync::Indent;
use self::scan::{Fault, Scanner, Stop, is_space};
use super::buffer::Buffer;
use super::{DEFAULT_LIMIT, Error, Piece};

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
}

#[cfg(test)]
mod tests;
