//! What is said: to a person on stderr, and to a script in the report file.
//!
//! Nothing that goes wrong here ends a translation: stderr may be closed, and
//! that the report is not whole is told at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use flex2csi_translators::Severity;

use super::readers::shown;
use super::remark::Remark;
use super::summary::Summary;

const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const INFO: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

/// Takes remarks in the order of the input.
pub struct Report {
    file: Option<BufWriter<File>>,
    /// Why the file is not whole; nothing is written to it any more.
    failed: Option<io::Error>,
    quiet: bool,
    said: BTreeMap<&'static str, Said>,
}

/// What was said of one code.
#[derive(Default)]
struct Said {
    count: u64,
    hidden: u64,
    /// Said once, as long as it stays the same.
    remedy: String,
}

impl Report {
    /// Creates the report file, if there is to be one.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn new(file: Option<&Path>, quiet: bool) -> io::Result<Self> {
        let file = match file {
            Some(path) => Some(BufWriter::new(File::create(path)?)),
            None => None,
        };
        Ok(Self {
            file,
            failed: None,
            quiet,
            said: BTreeMap::new(),
        })
    }

    /// Takes remarks of which only the number is known.
    pub fn count(&mut self, code: &'static str, count: u64) {
        let said = self.said.entry(code).or_default();
        said.count += count;
        said.hidden += count;
    }

    /// Takes a remark.
    pub fn take(&mut self, remark: &Remark) {
        if let Some(file) = &mut self.file {
            let written = serde_json::to_writer(&mut *file, remark).map_err(io::Error::from);
            if let Err(error) = written.and_then(|()| file.write_all(b"\n")) {
                self.failed.get_or_insert(error);
                self.file = None;
            }
        }
        let said = self.said.entry(remark.code).or_default();
        said.count += 1;
        if self.quiet && remark.severity != Severity::Block {
            return;
        }
        if said.count > shown(remark.severity) {
            said.hidden += 1;
            return;
        }
        // Who does not listen is not told.
        let _ = show(remark, remark.remedy != said.remedy);
        said.remedy.clone_from(&remark.remedy);
    }

    /// Says how it went, after the last remark.
    ///
    /// # Errors
    /// The report file could not be written.
    pub fn close(mut self, summary: &Summary) -> io::Result<()> {
        if !self.quiet {
            let _ = self.sum_up(summary);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        match &mut self.file {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }

    fn sum_up(&self, summary: &Summary) -> io::Result<()> {
        let mut err = anstream::stderr().lock();
        for (code, said) in self.said.iter().filter(|(_, said)| said.hidden > 0) {
            let hidden = said.hidden;
            writeln!(
                err,
                "{DIM}{hidden} more of {code}; --report FILE has all{DIM:#}"
            )?;
        }
        writeln!(err, "{summary}")
    }
}

/// `warn   PersistentVolume/a  .spec.csi: what happened [code]`
fn show(remark: &Remark, remedy: bool) -> io::Result<()> {
    let (word, style) = match remark.severity {
        Severity::Block => ("failed", BAD),
        Severity::Warn => ("warn", WARN),
        Severity::Info => ("info", INFO),
    };
    let mut err = anstream::stderr().lock();
    // Errors say themselves where they are.
    let path = if remark.path.is_empty() || remark.message.contains(&remark.path) {
        String::new()
    } else {
        format!(" {}", remark.path)
    };
    writeln!(
        err,
        "{style}{word:<6}{style:#} {}{path}: {} {DIM}[{}] {}:{}{DIM:#}",
        remark.object, remark.message, remark.code, remark.source, remark.line
    )?;
    if remedy && !remark.remedy.is_empty() {
        writeln!(err, "       {}", remark.remedy)?;
    }
    if let Some(skeleton) = &remark.skeleton {
        writeln!(err, "{DIM}{skeleton}{DIM:#}")?;
    }
    Ok(())
}
