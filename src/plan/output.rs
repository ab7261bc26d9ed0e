//! Where rows go.

use std::io::Write;

use super::args::PlanFormat;
use super::file::{Head, Writer};
use super::row::Row;
use super::survey::{Found, Sink};
use super::table::Table;
use crate::exit;

/// Prints rows, and writes them to the plan file.
pub struct Output<W: Write> {
    printed: Printed<W>,
    file: Option<Writer<std::fs::File>>,
}

enum Printed<W: Write> {
    Table(Box<Table<W>>),
    Json { out: W, first: bool },
    Yaml(Box<Writer<W>>),
}

impl<W: Write> Output<W> {
    /// Prints to `out`; `width`: of the terminal.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(
        mut out: W,
        format: PlanFormat,
        width: Option<usize>,
        head: &Head,
        file: Option<Writer<std::fs::File>>,
    ) -> anyhow::Result<Self> {
        let printed = match format {
            PlanFormat::Table | PlanFormat::Wide => {
                let wide = format == PlanFormat::Wide;
                Printed::Table(Box::new(Table::new(out, wide, width)))
            }
            PlanFormat::Json => {
                let head = serde_json::to_string(head)?;
                write!(out, "{{\"plan\":{head},\n\"objects\":[").map_err(exit::output)?;
                Printed::Json { out, first: true }
            }
            PlanFormat::Yaml => {
                let writer = Writer::start(out, head).map_err(exit::output)?;
                Printed::Yaml(Box::new(writer))
            }
        };
        Ok(Self { printed, file })
    }

    /// Closes what was begun. `next` is what to do next, for people.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn close(self, found: &Found, next: &str) -> anyhow::Result<()> {
        if let Some(file) = self.file {
            file.close()?;
        }
        match self.printed {
            Printed::Table(table) => table.close(found, next).map_err(exit::output),
            Printed::Json { mut out, .. } => {
                let totals = serde_json::to_string(&found.verdicts)?;
                let csi = found.csi_volumes;
                let written = writeln!(out, "],\n\"totals\":{totals},\n\"csiVolumes\":{csi}}}");
                written.and_then(|()| out.flush()).map_err(exit::output)
            }
            Printed::Yaml(mut writer) => writer.end().map_err(exit::output),
        }
    }
}

impl<W: Write> Sink for Output<W> {
    fn row(&mut self, row: &Row) -> anyhow::Result<()> {
        if let Some(file) = &mut self.file {
            file.object(row)?;
        }
        match &mut self.printed {
            Printed::Table(table) => table.row(row).map_err(exit::output),
            Printed::Json { out, first } => {
                let comma = if std::mem::take(first) { "" } else { "," };
                let json = serde_json::to_string(row)?;
                write!(out, "{comma}\n{json}").map_err(exit::output)
            }
            Printed::Yaml(writer) => writer.object(row).map_err(exit::output),
        }
    }
}
