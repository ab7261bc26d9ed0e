//! How things are listed: as columns for people, as JSON or YAML for programs.

use std::io::Write as _;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::exit::{self, Done};
use crate::manifest;

/// The form of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Columns, for people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Where output is no terminal.
const WIDTH: u16 = 120;

/// Columns that fit the terminal.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table
}

/// A table as text, without the spaces that fill the last column.
pub fn text(table: &Table) -> String {
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

/// Prints a value as JSON or YAML.
///
/// # Errors
/// The output cannot be written.
pub fn structured(value: &impl Serialize, format: ListFormat) -> anyhow::Result<Done> {
    let text = match format {
        ListFormat::Yaml => manifest::yaml::from_json(&serde_json::to_string(value)?)?,
        _ => serde_json::to_string_pretty(value)? + "\n",
    };
    print(&text)
}

/// Prints text.
///
/// # Errors
/// The output cannot be written.
pub fn print(text: &str) -> anyhow::Result<Done> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(exit::output)?;
    Ok(Done::All)
}
