//! What is wrong with the stream, in words.

use std::io::Read;

use super::scan::Fault;
use super::{Found, JsonSplitter};
use crate::manifest::{Error, MAX_DEPTH};

impl<R: Read> JsonSplitter<R> {
    pub(super) fn stray(&mut self) -> Found {
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

    pub(super) fn fault(&mut self, at: usize, fault: Fault) -> Found {
        let error = self.error(at, fault);
        self.broken(Some(error))
    }

    pub(super) fn error(&self, at: usize, fault: Fault) -> Error {
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

pub(super) fn describe(window: &[u8]) -> String {
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
