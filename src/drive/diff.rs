//! `--diff`: what would be stored instead of what is, as `kubectl diff` shows it.

use std::io::Write;

use flex2csi_translators::rewrite::{Direction, ObjectKind, Record, preview};
use kube::Client;
use serde_json::Value;

use super::live::{self, Live};
use super::records::{self, Known};
use super::work::line;
use crate::exit::{self, Done};
use crate::objects::translator::Translator;
use crate::plan::row::Row;
use crate::redact::redact;
use crate::translate::diff;

/// What records are made by that are never written.
const NOBODY: &str = "preview";

/// Prints what a rewrite of these would change. One that cannot be shown is a failure,
/// and stops no other.
///
/// # Errors
/// It cannot be printed.
pub async fn forward(
    client: &Client,
    translator: &Translator,
    rows: &[Row],
) -> anyhow::Result<Done> {
    let mut shown = Shown::default();
    for row in rows.iter().filter(|row| row.is_ready()) {
        let text = async {
            let task = Live::read(client, row).await?.task(row, translator)?;
            let live = serde_json::from_str(&task.original)?;
            text(
                &Record::begin(&task, NOBODY)?,
                Direction::Forward,
                Some(&live),
            )
        };
        shown.show(&row.object.full_name(), text.await)?;
    }
    Ok(shown.end())
}

/// Prints what bringing these back would change.
///
/// # Errors
/// It cannot be printed.
pub async fn back(client: &Client, known: &[Known]) -> anyhow::Result<Done> {
    let mut shown = Shown::default();
    for object in known {
        let text = async {
            let document = records::get(client, object.kind, &object.name).await?;
            let record = Record::open(document.spec, document.status)?;
            let live = live::get(client, &live::place(object.kind, &object.name)).await?;
            let live = live.as_deref().map(serde_json::from_str::<Value>);
            text(&record, Direction::Back, live.transpose()?.as_ref())
        };
        let name = format!("{} {}", object.kind, object.name);
        shown.show(&name, text.await)?;
    }
    Ok(shown.end())
}

#[derive(Default)]
struct Shown {
    shown: usize,
    failed: usize,
}

impl Shown {
    fn show(&mut self, name: &str, text: anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
        match text {
            Ok(text) => {
                self.shown += 1;
                let mut out = anstream::stdout().lock();
                let written = out.write_all(&text).and_then(|()| out.flush());
                written.map_err(exit::output)
            }
            Err(error) => {
                self.failed += 1;
                line(&format!("failed: {name}: {error:#}"));
                Ok(())
            }
        }
    }

    /// Differences are no failures.
    fn end(self) -> Done {
        line(&format!(
            "would be replaced: {}; nothing was changed",
            self.shown
        ));
        match self.failed {
            0 => Done::All,
            _ => Done::Some,
        }
    }
}

fn text(record: &Record, goal: Direction, live: Option<&Value>) -> anyhow::Result<Vec<u8>> {
    let preview = preview(record, goal, live);
    let typed = |mut object: Value| {
        // Objects that come out of lists have neither.
        if let Some(members) = object.as_object_mut() {
            let version = match record.spec.kind {
                ObjectKind::PersistentVolume => "v1",
                ObjectKind::StorageClass => "storage.k8s.io/v1",
            };
            members.insert("apiVersion".into(), version.into());
            members.insert("kind".into(), record.spec.kind.as_str().into());
        }
        object.to_string()
    };
    let (before, after) = (preview.before.map(typed), typed(preview.after));
    let mut out = Vec::new();
    diff::write(before.as_deref(), &after, &mut out)?;
    let text = String::from_utf8(out)?;
    Ok(redact(&text, &[before.as_deref().unwrap_or("null"), &after]).into_bytes())
}
