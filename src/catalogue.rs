//! What can be translated: `flex2csi drivers` lists the sources, `flex2csi
//! explain` says of one where each field comes from.

mod args;
mod entry;
mod table;

pub use args::{DriversArgs, ExplainArgs};
use serde::Serialize;

use self::entry::{Entry, Field};
use crate::exit::{Done, Usage};
use crate::listing::{ListFormat, print, structured};

/// Runs `flex2csi drivers`.
///
/// # Errors
/// A mapping cannot be read, or the output cannot be written.
pub fn drivers(args: &DriversArgs) -> anyhow::Result<Done> {
    let mappings = args.mappings.read()?;
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
    let mappings = args.mappings.read()?;
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
