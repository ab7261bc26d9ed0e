//! The input in batches: enough objects for a worker to be busy, few enough for
//! memory to stay small.

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::sync::Arc;

use flex2csi_translators::Kind;

use super::known::Known;
use super::lines::{self, Lines};
use crate::manifest::{self, DEFAULT_LIMIT, Format, Piece, Reader, Source};

/// A batch is handed on when it has this many bytes.
const BATCH_BYTES: usize = 128 << 10;

/// Stretches of one input, in order.
pub struct Batch {
    /// The stretches' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// Where each ends, and what it is.
    pub stretches: Vec<(usize, Stretch)>,
    /// What the input is written in.
    pub format: Format,
    /// The input's name.
    pub source: Arc<str>,
    /// What is known before the first object.
    pub known: Known,
    /// Whether its input starts here.
    pub starts: bool,
}

/// One stretch of an input.
#[derive(Debug)]
pub enum Stretch {
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
    /// What could not be read.
    Broken {
        /// The line of its first byte, from 1.
        line: u64,
        /// Why; empty if it goes on from the stretch before.
        error: Option<String>,
    },
}

/// An item of a list.
#[derive(Debug, Clone)]
pub struct Item {
    /// The `apiVersion` and `kind` that the list gives to items without.
    pub named: Option<(String, String)>,
}

impl Item {
    /// The kind that the list gives to items without.
    pub fn kind(&self) -> Option<Kind> {
        let (version, kind) = self.named.as_ref()?;
        Some(Kind::named(version, kind))
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
                match read(reading, &mut self.known) {
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
        Ok(Reading {
            name: source.to_string().into(),
            way,
            skipped: 0,
            starts: true,
        })
    }
}

fn read(reading: &mut Reading, known: &mut Known) -> Result<Option<Batch>, manifest::Error> {
    if let Way::Lines(lines) = &mut reading.way {
        match lines.next(known)? {
            lines::Next::Block { bytes, line, known } => {
                return Ok(Some(Batch {
                    stretches: vec![(bytes.len(), Stretch::Lines { line })],
                    bytes,
                    format: Format::Json,
                    source: Arc::clone(&reading.name),
                    known,
                    starts: false,
                }));
            }
            lines::Next::End => return Ok(None),
            lines::Next::Other { head, rest, line } => {
                reading.way =
                    Way::Pieces(Reader::new(Cursor::new(head).chain(rest), DEFAULT_LIMIT)?);
                reading.skipped = line;
            }
        }
    }
    match &mut reading.way {
        Way::Pieces(reader) => pieces(reader, &reading.name, reading.skipped, known),
        Way::Lines(_) => Ok(None),
    }
}

fn pieces(
    reader: &mut Reader,
    name: &Arc<str>,
    skipped: u64,
    known: &mut Known,
) -> Result<Option<Batch>, manifest::Error> {
    let mut batch = Batch {
        bytes: Vec::new(),
        stretches: Vec::new(),
        format: reader.format(),
        source: Arc::clone(name),
        known: known.clone(),
        starts: false,
    };
    while batch.bytes.len() < BATCH_BYTES {
        let Some(piece) = reader.next()? else {
            break;
        };
        // What is wrong with an object is said when it is translated.
        let learned = matches!(&piece, Piece::Object { text, line, list, .. }
            if known
                .read(text, *line, list.as_ref().and_then(|list| item(list).kind()), batch.format)
                .unwrap_or(false));
        batch.push(&piece, skipped);
        if learned {
            break;
        }
    }
    Ok((!batch.stretches.is_empty()).then_some(batch))
}

/// What a list says of its item.
pub fn item(list: &manifest::ListItem<'_>) -> Item {
    let named = list
        .kind
        .and_then(|kind| Kind::item_of(list.api_version.unwrap_or(""), kind))
        .filter(|(_, kind)| !kind.is_empty())
        .map(|(version, kind)| (version.to_owned(), kind.to_owned()));
    Item { named }
}

impl Batch {
    fn push(&mut self, piece: &Piece<'_>, skipped: u64) {
        self.bytes.extend_from_slice(piece.text());
        let stretch = match piece {
            Piece::Between(_) => Stretch::Between,
            Piece::Object {
                line,
                own_marker,
                list,
                ..
            } => Stretch::Object {
                line: skipped + line,
                own_marker: *own_marker,
                item: list.as_ref().map(item),
            },
            Piece::Broken { line, error, .. } => Stretch::Broken {
                line: skipped + line,
                error: error.as_ref().map(ToString::to_string),
            },
        };
        self.stretches.push((self.bytes.len(), stretch));
    }
}
