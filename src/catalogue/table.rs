//! The listings as columns that fit a terminal.

use std::fmt::Write;

use flex2csi_translators::in_tree::stored::Reach;

use super::entry::{Entry, Field, Form};
use crate::listing::{table, text};

/// One line for each source.
pub fn drivers(entries: &[Entry]) -> String {
    let mut table = table(&["NAME", "SOURCE", "CSI DRIVER", "HOW FAR", "NEEDS"]);
    for entry in entries {
        let source = match entry.form {
            Form::InTree => "in-tree".to_owned(),
            Form::FlexVolume => entry.drivers.join(", "),
        };
        table.add_row([
            entry.name.as_str(),
            source.as_str(),
            match entry.reach {
                Reach::NotTranslatable => "-",
                _ => entry.csi_driver.as_deref().unwrap_or("-"),
            },
            how_far(entry.reach),
            &entry.needs.join(", "),
        ]);
    }
    text(&table)
}

fn how_far(reach: Reach) -> &'static str {
    match reach {
        Reach::Full => "full",
        Reach::NeedsValue => "with a value",
        Reach::Kept => "kept",
        Reach::OnRequest => "if asked for",
        Reach::NotTranslatable => "no",
    }
}

/// A source, its values, and where each field comes from.
pub fn explanation(entry: &Entry, fields: &[Field]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{name:<14}{value}");
        }
    };
    line(
        "Source:",
        &format!("{} ({})", entry.name, entry.form.as_str()),
    );
    line("", &entry.summary);
    line("Drivers:", &entry.drivers.join(", "));
    line("Provisioners:", &entry.provisioners.join(", "));
    line("CSI driver:", entry.csi_driver.as_deref().unwrap_or("-"));
    line("How far:", how_far(entry.reach));
    line("Confidence:", entry.confidence.unwrap_or(""));
    if let Some(not) = &entry.not_translatable {
        line("Why not:", &not.reason);
        line("Instead:", &not.instead);
    }
    if !entry.values.is_empty() {
        let mut values = table(&["VALUE", "KIND", "REQUIRED", "DEFAULT", "WHAT IT IS"]);
        for value in &entry.values {
            values.add_row([
                value.name.as_ref(),
                &value.kind.to_string(),
                &match (&value.unless, value.required) {
                    (Some(other), true) => format!("yes, unless {other}"),
                    (_, true) => "yes".to_owned(),
                    (_, false) => "no".to_owned(),
                },
                value.default.as_deref().unwrap_or("-"),
                &value.help,
            ]);
        }
        let _ = write!(out, "\n{}", text(&values));
    }
    if !fields.is_empty() {
        let mut origins = table(&["OBJECT", "FIELD", "FROM", ""]);
        for field in fields {
            let from = if field.from.is_empty() {
                "-"
            } else {
                &field.from
            };
            origins.add_row([&field.kind, &field.target, from, &field.remark]);
        }
        let _ = write!(out, "\n{}", text(&origins));
    }
    out
}
