//! A window on an input that knows its line.

use std::io::{self, Read};

use super::{Error, Place};

/// What is read at once, at first; the window grows by doubling if a piece is
/// larger.
const CHUNK: usize = 256 << 10;

/// What was read and not consumed yet.
pub(super) struct Buffer<R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    place: Place,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            bytes: Vec::new(),
            start: 0,
            end: 0,
            eof: false,
            place: Place { line: 1, column: 1 },
        }
    }

    pub(super) fn window(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Adds to the window what one read gives; `false` at the input's end.
    pub(super) fn fill(&mut self) -> Result<bool, Error> {
        if self.eof {
            return Ok(false);
        }
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            // Half full at least is kept free, or small reads would move the
            // same bytes again and again.
            if self.end * 2 > self.bytes.len() || self.bytes.is_empty() {
                self.bytes.resize((self.bytes.len() * 2).max(CHUNK), 0);
            }
        }
        loop {
            match self.reader.read(&mut self.bytes[self.end..]) {
                Ok(0) => {
                    self.eof = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.eof = true;
                    return Err(Error::Read(error));
                }
            }
        }
    }

    /// The line of the window's first byte.
    pub(super) fn line(&self) -> u64 {
        self.place.line
    }

    /// Where a byte of the window is in the input.
    pub(super) fn place(&self, offset: usize) -> Place {
        let window = self.window();
        let before = &window[..offset.min(window.len())];
        match memchr::memrchr(b'\n', before) {
            Some(last) => Place {
                line: self.place.line + memchr::memchr_iter(b'\n', before).count() as u64,
                column: (before.len() - last) as u64,
            },
            None => Place {
                line: self.place.line,
                column: self.place.column + before.len() as u64,
            },
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.place = self.place(count);
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            // One huge object must not hold its memory for the rest of the input.
            if self.bytes.len() > 16 * CHUNK {
                self.bytes = Vec::new();
            }
        }
    }
}
