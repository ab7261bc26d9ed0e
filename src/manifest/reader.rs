//! Opening a source and telling what it is.

use std::fs::File;
use std::io::{self, Cursor, Read};

use super::{DEFAULT_LIMIT, Error, JsonSplitter, Piece, Source, YamlSplitter};

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Its first byte that is no white space is `{`.
    Json,
    /// Everything else.
    Yaml,
}

/// A source as a stream of pieces, whatever it is written in.
pub struct Reader {
    splitter: Splitter,
}

type Input = Box<dyn Read + Send>;

enum Splitter {
    Json(Box<JsonSplitter<Input>>),
    Yaml(YamlSplitter<Input>),
}

/// Opens a file or standard input.
///
/// # Errors
/// [`Error::Missing`], [`Error::Open`] or [`Error::Read`].
pub fn open(source: &Source) -> Result<Reader, Error> {
    match source {
        Source::Stdin => Reader::new(io::stdin(), DEFAULT_LIMIT),
        Source::File(path) => {
            let file = File::open(path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => Error::Missing { path: path.clone() },
                _ => Error::Open {
                    path: path.clone(),
                    source,
                },
            })?;
            Reader::new(file, DEFAULT_LIMIT)
        }
    }
}

impl Reader {
    /// Reads the first bytes of an input to tell its format. `limit` is the
    /// largest object, in bytes.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn new(mut input: impl Read + Send + 'static, limit: usize) -> Result<Self, Error> {
        let mut head = Vec::new();
        let format = loop {
            let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
            match text.iter().find(|b| !b.is_ascii_whitespace()) {
                // A byte order mark that is not complete yet.
                Some(0xef) if head.len() < 3 => {}
                Some(b'{') => break Format::Json,
                Some(_) => break Format::Yaml,
                None => {}
            }
            let mut chunk = [0; 4096];
            match input.read(&mut chunk) {
                Ok(0) => break Format::Yaml,
                Ok(read) => head.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Read(error)),
            }
            if head.len() > limit {
                break Format::Yaml;
            }
        };
        let input: Input = Box::new(Cursor::new(head).chain(input));
        Ok(Self {
            splitter: match format {
                Format::Json => {
                    Splitter::Json(Box::new(JsonSplitter::new(input).with_limit(limit)))
                }
                Format::Yaml => Splitter::Yaml(YamlSplitter::new(input).with_limit(limit)),
            },
        })
    }

    /// What the source is written in.
    pub fn format(&self) -> Format {
        match self.splitter {
            Splitter::Json(_) => Format::Json,
            Splitter::Yaml(_) => Format::Yaml,
        }
    }

    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Read`] if reading fails; nothing comes after it.
    #[expect(clippy::should_implement_trait, reason = "lends from its buffer")]
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, Error> {
        match &mut self.splitter {
            Splitter::Json(splitter) => splitter.next(),
            Splitter::Yaml(splitter) => splitter.next(),
        }
    }
}

#[cfg(test)]
mod tests;
