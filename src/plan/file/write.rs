use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flex2csi_translators::digest::sha256_hex;
use serde::Serialize;
use tempfile::{NamedTempFile, TempPath};

use super::PlanFileError;
use super::document::{
    API_VERSION, Document, END, End, HEAD, Head, OBJECT, checksum, row_checksum,
};
use crate::manifest::yaml;
use crate::plan::row::Row;

/// What stands at the top, for who opens it.
const COMMENT: &str = "\
# A plan of flex2csi: what `flex2csi rewrite --plan FILE` would do, and why not more.
# Review it, and set `options.skip: true` on what is to be left out. Nothing else may be
# edited: the checksums tell. docs/plan.md explains every code.
";

/// Writes a plan, object by object. A file is whole or not there at all.
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    objects: u64,
    checksums: String,
    target: Option<(PathBuf, TempPath)>,
}

impl Writer<std::fs::File> {
    /// Writes a file, which only its owner may read: plans show how storage is laid out.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn file(path: &Path, head: &Head) -> Result<Self, PlanFileError> {
        let io = |source| PlanFileError::Io {
            path: path.to_owned(),
            source,
        };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Its mode is 0600.
        let temporary = NamedTempFile::new_in(directory).map_err(io)?;
        let (file, temporary) = temporary.into_parts();
        let mut writer = Self::start(file, head).map_err(io)?;
        writer.target = Some((path.to_owned(), temporary));
        Ok(writer)
    }

    /// Closes the plan and gives the file its name.
    ///
    /// # Errors
    /// It cannot be written, or a file of that name not be replaced.
    pub fn close(mut self) -> Result<(), PlanFileError> {
        let Some((path, temporary)) = self.target.take() else {
            return Ok(());
        };
        let io = |source| PlanFileError::Io {
            path: path.clone(),
            source,
        };
        self.end().map_err(io)?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        temporary.persist(&path).map_err(|error| io(error.error))
    }
}

impl<W: Write> Writer<W> {
    /// Begins a plan.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn start(out: W, head: &Head) -> std::io::Result<Self> {
        let mut writer = Self {
            out: BufWriter::new(out),
            objects: 0,
            checksums: String::new(),
            target: None,
        };
        writer.out.write_all(COMMENT.as_bytes())?;
        let sum = checksum(head, "").map_err(std::io::Error::other)?;
        writer.document(HEAD, head, sum)?;
        Ok(writer)
    }

    /// Adds an object.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn object(&mut self, row: &Row) -> std::io::Result<()> {
        let sum = row_checksum(row).map_err(std::io::Error::other)?;
        self.objects += 1;
        self.document(OBJECT, row, sum)
    }

    /// Closes the plan.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(&mut self) -> std::io::Result<()> {
        let end = End {
            objects: self.objects,
        };
        let sum = checksum(&end, &self.checksums).map_err(std::io::Error::other)?;
        self.document(END, &end, sum)?;
        self.out.flush()
    }

    fn document<T: Serialize>(&mut self, kind: &str, plan: &T, sum: String) -> std::io::Result<()> {
        // A running digest: constant memory however many there are.
        self.checksums = sha256_hex(format!("{}{sum}", self.checksums).as_bytes());
        let document = Document {
            api_version: API_VERSION.to_owned(),
            kind: kind.to_owned(),
            plan,
            checksum: sum,
        };
        let json = serde_json::to_string(&document).map_err(std::io::Error::other)?;
        let yaml = yaml::from_json(&json).map_err(std::io::Error::other)?;
        self.out.write_all(b"---\n")?;
        self.out.write_all(yaml.as_bytes())
    }
}
