//! Newline-delimited JSON, read in blocks of whole lines: workers then find the
//! objects, which is most of the reading.
//!
//! A block is taken so only if each of its lines starts with `{` and ends with
//! `}`; where that ends, the rest is read as any other JSON.

use std::fs::File;
use std::io::{self, Read};

use super::batch::{Stretch, What};
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
    /// Why it ended, if that was no end: told once all before it is handed on.
    failed: Option<io::Error>,
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
        /// The stretches of it, each with what is known before it.
        stretches: Vec<Stretch>,
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

/// Input up to where reading failed.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Opens a source and looks at its first block.
///
/// # Errors
/// It cannot be opened or read.
pub fn open(source: &Source) -> Result<Opened, Error> {
    read(match source {
        Source::Stdin => Box::new(io::stdin()),
        Source::File(path) => Box::new(File::open(path).map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?),
    })
}

fn read(input: Input) -> Result<Opened, Error> {
    let mut lines = Lines {
        input,
        rest: Vec::new(),
        line: 0,
        ended: false,
        failed: None,
    };
    lines.fill();
    if lines.rest.is_empty()
        && let Some(error) = lines.failed
    {
        return Err(Error::Read(error));
    }
    let end = lines.whole();
    // One object alone is no list of lines, but is read as well as one.
    if end > 0 && has_objects(&lines.rest[..end]) {
        Ok(Opened::Lines(lines))
    } else {
        let (head, rest) = lines.other();
        Ok(Opened::Other(head, rest))
    }
}

impl Lines {
    /// The next block of lines.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next(&mut self, known: &mut Known) -> Result<Next, Error> {
        self.fill();
        let end = self.whole();
        if end == 0 || !has_objects(&self.rest[..end]) {
            if self.rest.is_empty() {
                return self
                    .failed
                    .take()
                    .map_or(Ok(Next::End), |error| Err(Error::Read(error)));
            }
            let (head, rest) = self.other();
            return Ok(Next::Other {
                head,
                rest,
                line: self.line,
            });
        }
        let rest = self.rest.split_off(end);
        let bytes = std::mem::replace(&mut self.rest, rest);
        let stretches = stretches(&bytes, self.line + 1, known);
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Next::Block { bytes, stretches })
    }

    /// What was read and not handed on, and what comes behind it.
    fn other(&mut self) -> (Vec<u8>, Input) {
        let rest: Input = match self.failed.take() {
            Some(error) => Box::new(Failed(Some(error))),
            None => std::mem::replace(&mut self.input, Box::new(io::empty())),
        };
        (std::mem::take(&mut self.rest), rest)
    }

    /// Reads until there is a whole block, the end, or a line that is too long
    /// to be one.
    fn fill(&mut self) {
        while !self.ended && (self.rest.len() < BLOCK_BYTES || self.whole() == 0) {
            if self.rest.len() > LINE_BYTES {
                return;
            }
            let want = BLOCK_BYTES as u64;
            let read = self.input.by_ref().take(want).read_to_end(&mut self.rest);
            match read {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                }
            }
        }
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

/// Learns from a block. A line that teaches something ends a stretch: what comes
/// after it is to know it.
fn stretches(block: &[u8], line: u64, known: &mut Known) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut open = Stretch {
        end: 0,
        upto: known.length(),
        what: What::Lines { line },
    };
    if known.may_learn(block, None) {
        let mut start = 0;
        let texts = block.split_inclusive(|byte| *byte == b'\n');
        for (next, text) in (line + 1..).zip(texts) {
            start += text.len();
            // What is wrong with a line is said when it is translated.
            let _ = known.read(text, 0, None, Format::Json);
            let upto = known.length();
            if upto > open.upto {
                let after = Stretch {
                    end: 0,
                    upto,
                    what: What::Lines { line: next },
                };
                open.end = start;
                stretches.push(std::mem::replace(&mut open, after));
            }
        }
    }
    if stretches.last().is_none_or(|last| last.end < block.len()) {
        open.end = block.len();
        stretches.push(open);
    }
    stretches
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
            Next::Block { bytes, stretches } => {
                assert_eq!(bytes, b"{\"a\":1}\n\n{\"b\":2}");
                assert!(matches!(
                    stretches[..],
                    [Stretch {
                        end: 16,
                        upto: 0,
                        what: What::Lines { line: 1 }
                    }]
                ));
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
    fn a_class_ends_its_stretch_so_that_what_follows_knows_it() {
        let class =
            r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"c"}}"#;
        let Opened::Lines(mut lines) = lines(&format!("{{}}\n{class}\n{{}}\n")) else {
            panic!("not lines");
        };
        let mut known = Known::default();
        let Next::Block { stretches, .. } = lines.next(&mut known).unwrap() else {
            panic!("no block");
        };
        let [first, second] = &stretches[..] else {
            panic!("{stretches:?}");
        };
        let mut view = known.view();
        view.advance(first.upto);
        assert!(view.class("c").is_none());
        view.advance(second.upto);
        assert!(view.class("c").is_some());
        assert!(matches!(second.what, What::Lines { line: 3 }));
    }

    #[test]
    fn what_was_read_before_a_read_error_is_handed_on() {
        let broken = |text: &'static str| -> Input {
            Box::new(
                text.as_bytes()
                    .chain(Failed(Some(io::Error::other("gone")))),
            )
        };
        let mut known = Known::default();
        let Ok(Opened::Lines(mut lines)) = read(broken("{}\n{}\n")) else {
            panic!("not lines");
        };
        assert!(
            matches!(lines.next(&mut known), Ok(Next::Block { bytes, .. }) if bytes == b"{}\n{}\n")
        );
        assert!(matches!(lines.next(&mut known), Err(Error::Read(_))));
        assert!(matches!(read(broken("")), Err(Error::Read(_))));
        let Ok(Opened::Other(head, mut rest)) = read(broken("{}\n{\"a\"")) else {
            panic!("lines");
        };
        assert_eq!(head, b"{}\n{\"a\"");
        rest.read(&mut [0]).unwrap_err();
    }
}
