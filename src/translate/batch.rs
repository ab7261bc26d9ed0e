//! The input in batches: enough objects for a worker to be busy, few enough for
//! memory to stay small.

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::sync::Arc;

use super::known::Known;
use super::lines::{self, Lines};
use super::list::Item;
use crate::manifest::{self, DEFAULT_LIMIT, Format, Piece, Reader, Source};

/// A batch is handed on when it has this many bytes.
const BATCH_BYTES: usize = 128 << 10;

/// Stretches of one input, in order.
pub struct Batch {
    /// The stretches' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// What they are.
    pub stretches: Vec<Stretch>,
    /// What the input is written in.
    pub format: Format,
    /// The input's name.
    pub source: Arc<str>,
    /// Whether its input starts here.
    pub starts: bool,
}

/// One stretch of an input.
#[derive(Debug)]
pub struct Stretch {
    /// Where it ends in the batch's bytes.
    pub end: usize,
    /// How much is known before it.
    pub upto: usize,
    /// What it is.
    pub what: What,
}

/// What a stretch of an input is.
#[derive(Debug)]
pub enum What {
    /// Between objects: copied, or left out in another format.
    Between,
    /// One object.
    Object {
        /// The line of its first byte, from 1.
        line: u64,
        /// What replaces it has to start with `---`.
        own_marker: bool,
        /// Set for an item of a list.
        item: Option<Item>,
    },
    /// Lines with one JSON object each.
    Lines {
        /// The first line's number, from 1.
        line: u64,
    },
    /// What could not be read: copied, or left out in another format.
    Broken,
    /// The end of what could not be read. No bytes of its own.
    Failure(Broken),
}

/// What could not be read, as a whole.
#[derive(Debug)]
pub struct Broken {
    /// The line of its first byte, from 1.
    pub line: u64,
    /// Why.
    pub error: String,
    /// How much it is.
    pub bytes: u64,
}

/// Gathers what could not be read: it comes in pieces, of which the first says
/// why, and how much it was is known behind the last.
#[derive(Debug, Default)]
pub struct Gathered(Option<Broken>);

impl Gathered {
    /// Takes note of a piece; gives what ended before it.
    pub fn take(&mut self, piece: &Piece<'_>, skipped: u64) -> Option<Broken> {
        match piece {
            Piece::Broken {
                text,
                line,
                error: Some(error),
            } => self.0.replace(Broken {
                line: skipped + line,
                error: error.to_string(),
                bytes: text.len() as u64,
            }),
            Piece::Broken {
                text, error: None, ..
            } => {
                if let Some(broken) = &mut self.0 {
                    broken.bytes += text.len() as u64;
                }
                None
            }
            Piece::Between(_) | Piece::Object { .. } => self.0.take(),
        }
    }

    /// What ends with the input.
    pub fn end(&mut self) -> Option<Broken> {
        self.0.take()
    }
}

/// Reads sources as batches.
pub struct Batches {
    sources: VecDeque<Source>,
    reading: Option<Reading>,
    known: Known,
}

struct Reading {
    name: Arc<str>,
    way: Way,
    /// Lines before the reader's first.
    skipped: u64,
    /// Whether nothing of it was handed on yet.
    starts: bool,
    broken: Gathered,
    /// Why reading ended: told after the batch that was read before it.
    failed: Option<manifest::Error>,
}

enum Way {
    Lines(Lines),
    Pieces(Reader),
}

/// A source that could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
#[error("{source_name}: {error}")]
pub struct Unreadable {
    /// The source.
    pub source_name: String,
    /// What the system said.
    pub error: manifest::Error,
}

impl Batches {
    /// Will read the sources in their order.
    pub fn new(sources: Vec<Source>, known: Known) -> Self {
        Self {
            sources: sources.into(),
            reading: None,
            known,
        }
    }

    /// The next batch; `None` at the end of the last source.
    ///
    /// # Errors
    /// A source cannot be opened or read; the next call goes on with the next.
    pub fn next(&mut self) -> Result<Option<Batch>, Unreadable> {
        loop {
            if self.reading.is_none() {
                let Some(source) = self.sources.pop_front() else {
                    return Ok(None);
                };
                self.reading = Some(Self::open(&source)?);
            }
            if let Some(reading) = &mut self.reading {
                match reading.next(&mut self.known) {
                    Ok(Some(mut batch)) => {
                        batch.starts = std::mem::take(&mut reading.starts);
                        return Ok(Some(batch));
                    }
                    Ok(None) => self.reading = None,
                    Err(error) => {
                        let source_name = reading.name.to_string();
                        self.reading = None;
                        return Err(Unreadable { source_name, error });
                    }
                }
            }
        }
    }

    fn open(source: &Source) -> Result<Reading, Unreadable> {
        let named = |error| Unreadable {
            source_name: source.to_string(),
            error,
        };
        let way = match lines::open(source).map_err(named)? {
            lines::Opened::Lines(lines) => Way::Lines(lines),
            lines::Opened::Other(head, rest) => Way::Pieces(
                Reader::new(Cursor::new(head).chain(rest), DEFAULT_LIMIT).map_err(named)?,
            ),
        };
        Ok(Reading::new(source.to_string().into(), way))
    }
}

impl Reading {
    fn new(name: Arc<str>, way: Way) -> Self {
        Self {
            name,
            way,
            skipped: 0,
            starts: true,
            broken: Gathered::default(),
            failed: None,
        }
    }

    fn next(&mut self, known: &mut Known) -> Result<Option<Batch>, manifest::Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Way::Lines(lines) = &mut self.way {
            match lines.next(known)? {
                lines::Next::Block { bytes, stretches } => {
                    return Ok(Some(Batch {
                        bytes,
                        stretches,
                        format: Format::Json,
                        source: Arc::clone(&self.name),
                        starts: false,
                    }));
                }
                lines::Next::End => return Ok(None),
                lines::Next::Other { head, rest, line } => {
                    self.way =
                        Way::Pieces(Reader::new(Cursor::new(head).chain(rest), DEFAULT_LIMIT)?);
                    self.skipped = line;
                }
            }
        }
        match &mut self.way {
            Way::Lines(_) => Ok(None),
            Way::Pieces(reader) => {
                let mut batch = Batch {
                    bytes: Vec::new(),
                    stretches: Vec::new(),
                    format: reader.format(),
                    source: Arc::clone(&self.name),
                    starts: false,
                };
                let mut gathering = Gathering {
                    batch: &mut batch,
                    broken: &mut self.broken,
                    skipped: self.skipped,
                    known,
                };
                if let Err(error) = gathering.fill(reader) {
                    gathering.end();
                    if batch.stretches.is_empty() {
                        return Err(error);
                    }
                    self.failed = Some(error);
                }
                Ok((!batch.stretches.is_empty()).then_some(batch))
            }
        }
    }
}

/// A batch that is read from pieces.
struct Gathering<'g> {
    batch: &'g mut Batch,
    broken: &'g mut Gathered,
    skipped: u64,
    known: &'g mut Known,
}

impl Gathering<'_> {
    fn fill(&mut self, reader: &mut Reader) -> Result<(), manifest::Error> {
        while self.batch.bytes.len() < BATCH_BYTES {
            let Some(piece) = reader.next()? else {
                self.end();
                return Ok(());
            };
            if let Some(broken) = self.broken.take(&piece, self.skipped) {
                self.push(&[], What::Failure(broken));
            }
            self.piece(&piece);
        }
        Ok(())
    }

    /// At the end of the input.
    fn end(&mut self) {
        if let Some(broken) = self.broken.end() {
            self.push(&[], What::Failure(broken));
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Between(text) => self.push(text, What::Between),
            Piece::Broken { text, .. } => self.push(text, What::Broken),
            Piece::Object {
                text,
                line,
                own_marker,
                list,
            } => {
                let item = list.as_ref().map(Item::of);
                let kind = item.as_ref().and_then(Item::kind);
                self.push(
                    text,
                    What::Object {
                        line: self.skipped + line,
                        own_marker: *own_marker,
                        item,
                    },
                );
                // What is wrong with an object is said when it is translated.
                let _ = self.known.read(text, *line, kind, self.batch.format);
            }
        }
    }

    fn push(&mut self, text: &[u8], what: What) {
        self.batch.bytes.extend_from_slice(text);
        self.batch.stretches.push(Stretch {
            end: self.batch.bytes.len(),
            upto: self.known.length(),
            what,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Reads some text, and then fails.
    struct Fails(&'static [u8]);

    impl Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("gone"));
            }
            self.0.read(buffer)
        }
    }

    #[test]
    fn what_was_read_before_a_read_error_is_handed_on() {
        for text in ["{\"a\": 1}\n{\"b\": [", "a: 1\n---\nb: 2\n---\nc: ["] {
            let reader = Reader::new(Fails(text.as_bytes()), DEFAULT_LIMIT).unwrap();
            let mut reading = Reading::new("x".into(), Way::Pieces(reader));
            let mut known = Known::default();
            let batch = reading.next(&mut known).unwrap().unwrap();
            let objects = batch.stretches.iter();
            let objects = objects.filter(|stretch| matches!(stretch.what, What::Object { .. }));
            assert!(objects.count() >= 1, "{text}");
            assert!(matches!(
                reading.next(&mut known),
                Err(manifest::Error::Read(_))
            ));
        }
    }

    #[test]
    fn what_could_not_be_read_is_said_once_with_its_length() {
        let text = b"{}\n}}}\nmore\n{}\n";
        let reader = Reader::new(&text[..], DEFAULT_LIMIT).unwrap();
        let mut reading = Reading::new("x".into(), Way::Pieces(reader));
        let batch = reading.next(&mut Known::default()).unwrap().unwrap();
        let failures: Vec<&Broken> = batch
            .stretches
            .iter()
            .filter_map(|stretch| match &stretch.what {
                What::Failure(broken) => Some(broken),
                _ => None,
            })
            .collect();
        let [failure] = failures[..] else {
            panic!("{failures:?}");
        };
        assert_eq!((failure.line, failure.bytes), (2, 9));
    }
}
