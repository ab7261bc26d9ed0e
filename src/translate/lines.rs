//! Newline-delimited JSON, read in blocks of whole lines: workers then find the
//! objects, which is most of the reading.
//!
//! A block is taken so only if each of its lines starts with `{` and ends with
//! `}`; where that ends, the rest is read as any other JSON.

use std::fs::File;
use std::io::{self, Read};

use super::known::Known;
use crate::manifest::{Error, Format, Source};

/// How much is read at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// The longest line that is read as one; a longer one is taken apart as it is
/// read, as any other JSON.
const LINE_BYTES: usize = 4 << 20;

type Input = Box<dyn Read + Send>;

/// A source whose first lines have an object each.
pub struct Lines {
    input: Input,
    /// Read, and not handed on yet.
    rest: Vec<u8>,
    /// Lines handed on.
    line: u64,
    ended: bool,
}

/// What a source turned out to be.
pub enum Opened {
    /// Newline-delimited JSON.
    Lines(Lines),
    /// Something else: what was read of it, and the rest.
    Other(Vec<u8>, Input),
}

/// What comes next.
pub enum Next {
    /// Whole lines.
    Block {
        /// The lines, each with its line break but perhaps the last.
        bytes: Vec<u8>,
        /// The first line's number, from 1.
        line: u64,
        /// What is known before it.
        known: Known,
    },
    /// From here on it is something else.
    Other {
        /// What was read of it.
        head: Vec<u8>,
        /// What was not.
        rest: Input,
        /// The lines before it.
        line: u64,
    },
    /// The end.
    End,
}

/// Opens a source and looks at its first block.
///
/// # Errors
/// It cannot be opened or read.
pub fn open(source: &Source) -> Result<Opened, Error> {
    let input: Input = match source {
        Source::Stdin => Box::new(io::stdin()),
        Source::File(path) => Box::new(File::open(path).map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?),
    };
    let mut lines = Lines {
        input,
        rest: Vec::new(),
        line: 0,
        ended: false,
    };
    lines.fill()?;
    let end = lines.whole();
    // One object alone is no list of lines, but is read as well as one.
    if end > 0 && has_objects(&lines.rest[..end]) {
        Ok(Opened::Lines(lines))
    } else {
        Ok(Opened::Other(lines.rest, lines.input))
    }
}

impl Lines {
    /// The next block of lines.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next(&mut self, known: &mut Known) -> Result<Next, Error> {
        self.fill()?;
        let mut end = self.whole();
        if end == 0 || !has_objects(&self.rest[..end]) {
            if self.rest.is_empty() {
                return Ok(Next::End);
            }
            return Ok(Next::Other {
                head: std::mem::take(&mut self.rest),
                rest: std::mem::replace(&mut self.input, Box::new(io::empty())),
                line: self.line,
            });
        }
        let before = known.clone();
        if known.may_learn(&self.rest[..end], None) {
            end = learn(&self.rest[..end], known);
        }
        let rest = self.rest.split_off(end);
        let bytes = std::mem::replace(&mut self.rest, rest);
        let line = self.line + 1;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Next::Block {
            bytes,
            line,
            known: before,
        })
    }

    /// Reads until there is a whole block, the end, or a line that is too long
    /// to be one.
    fn fill(&mut self) -> Result<(), Error> {
        while !self.ended && (self.rest.len() < BLOCK_BYTES || self.whole() == 0) {
            if self.rest.len() > LINE_BYTES {
                return Ok(());
            }
            let want = BLOCK_BYTES as u64;
            let read = self.input.by_ref().take(want).read_to_end(&mut self.rest);
            if read.map_err(Error::Read)? == 0 {
                self.ended = true;
            }
        }
        Ok(())
    }

    /// How many bytes are whole lines.
    fn whole(&self) -> usize {
        if self.ended {
            return self.rest.len();
        }
        memchr::memrchr(b'\n', &self.rest).map_or(0, |end| end + 1)
    }
}

/// Whether each line that is not blank starts with `{` and ends with `}`.
fn has_objects(block: &[u8]) -> bool {
    let mut any = false;
    for line in block.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        match (line.first(), line.last()) {
            (None, None) => {}
            (Some(b'{'), Some(b'}')) => any = true,
            _ => return false,
        }
    }
    any
}

/// Learns from a block up to the first line that taught something, and gives the
/// end of that line: what comes after it is a block that knows it.
fn learn(block: &[u8], known: &mut Known) -> usize {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', block) {
        if known.read(&block[start..end], 0, None, Format::Json) == Ok(true) {
            return end + 1;
        }
        start = end + 1;
    }
    // What is wrong with a line is said when it is translated.
    let _ = known.read(&block[start..], 0, None, Format::Json);
    block.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Opened {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        open(&Source::File(file.path().to_owned())).unwrap()
    }

    #[test]
    fn objects_a_line_are_a_block() {
        let Opened::Lines(mut lines) = lines("{\"a\":1}\n\n{\"b\":2}") else {
            panic!("not lines");
        };
        let mut known = Known::default();
        match lines.next(&mut known).unwrap() {
            Next::Block { bytes, line, .. } => {
                assert_eq!(bytes, b"{\"a\":1}\n\n{\"b\":2}");
                assert_eq!(line, 1);
            }
            _ => panic!("no block"),
        }
        assert!(matches!(lines.next(&mut known).unwrap(), Next::End));
    }

    #[test]
    fn indented_json_and_yaml_are_something_else() {
        for text in ["{\n  \"a\": 1\n}\n", "a: 1\n", "", "[{}]\n"] {
            assert!(matches!(lines(text), Opened::Other(..)), "{text:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_something_else() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2 * LINE_BYTES));
        match lines(&long) {
            Opened::Other(head, _) => assert!(head.len() < long.len()),
            Opened::Lines(_) => panic!("read as a whole"),
        }
    }

    #[test]
    fn a_class_ends_its_block_so_that_what_follows_knows_it() {
        let class =
            r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"c"}}"#;
        let Opened::Lines(mut lines) = lines(&format!("{{}}\n{class}\n{{}}\n")) else {
            panic!("not lines");
        };
        let mut known = Known::default();
        let Next::Block { known: first, .. } = lines.next(&mut known).unwrap() else {
            panic!("no block");
        };
        let Next::Block {
            known: second,
            line,
            ..
        } = lines.next(&mut known).unwrap()
        else {
            panic!("no block");
        };
        assert!(first.class("c").is_none());
        assert!(second.class("c").is_some());
        assert_eq!(line, 3);
    }
}
