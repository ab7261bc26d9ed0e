//! What can be translated: `flex2csi drivers` lists the sources, `flex2csi
//! explain` says of one where each field comes from.

mod args;
mod entry;
mod table;

use std::io::Write;

pub use args::{DriversArgs, ExplainArgs, ListFormat};
use serde::Serialize;

use self::entry::{Entry, Field};
use crate::exit::{self, Done, Usage};
use crate::{manifest, site};

/// Runs `flex2csi drivers`.
///
/// # Errors
/// A mapping cannot be read, or the output cannot be written.
pub fn drivers(args: &DriversArgs) -> anyhow::Result<Done> {
    let mappings = site::mappings(&args.mappings)?;
    let entries: Vec<Entry> = entry::all(&mappings).collect();
    match args.output {
        ListFormat::Table => print(&table::drivers(&entries)),
        format => structured(&entries, format),
    }
}

/// Runs `flex2csi explain`.
///
/// # Errors
/// Nothing is known by that name, or the output cannot be written.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<Done> {
    let mappings = site::mappings(&args.mappings)?;
    let found: Vec<Entry> = entry::all(&mappings)
        .filter(|entry| entry.is_called(&args.source))
        .collect();
    if found.is_empty() {
        return Err(Usage(format!(
            "no source is called {:?}; `flex2csi drivers` lists what is known",
            args.source
        ))
        .into());
    }
    match args.output {
        ListFormat::Table => {
            let mut text = String::new();
            for entry in &found {
                if !text.is_empty() {
                    text.push('\n');
                }
                text += &table::explanation(entry, &entry.fields(&mappings));
            }
            print(&text)
        }
        format => {
            let explained: Vec<Explanation<'_>> = found
                .iter()
                .map(|entry| Explanation {
                    entry,
                    fields: entry.fields(&mappings),
                })
                .collect();
            structured(&explained, format)
        }
    }
}

#[derive(Serialize)]
struct Explanation<'e> {
    #[serde(flatten)]
    entry: &'e Entry,
    fields: Vec<Field>,
}

fn structured(value: &impl Serialize, format: ListFormat) -> anyhow::Result<Done> {
    let text = match format {
        ListFormat::Yaml => manifest::yaml::from_json(&serde_json::to_string(value)?)?,
        _ => serde_json::to_string_pretty(value)? + "\n",
    };
    print(&text)
}

fn print(text: &str) -> anyhow::Result<Done> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(exit::output)?;
    Ok(Done::All)
}
