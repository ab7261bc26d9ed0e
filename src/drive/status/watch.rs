//! `--watch`: a line for each change, for as long as somebody looks.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio_stream::StreamExt as _;

use super::{Journal, Line};
use crate::api_request::ask::Ask;
use crate::drive::args::StatusFormat;
use crate::drive::labels::Labelled;
use crate::drive::work::line as say;
use crate::exit::{self, Done};
use crate::plan::evidence::load::MIGRATIONS;

/// Between two attempts to watch.
const AGAIN: Duration = Duration::from_secs(1);

/// Prints what differs from what was shown. A server that is away, or has forgotten
/// what was seen, is looked at anew.
///
/// # Errors
/// It cannot be printed.
pub async fn watch(
    client: &Client,
    journal: &Journal,
    lines: Vec<Line>,
    format: StatusFormat,
) -> anyhow::Result<Done> {
    let mut shown = Shown {
        lines: lines.into_iter().map(|line| (line.key(), line)).collect(),
        format,
    };
    loop {
        if let Err(error) = follow(client, journal, &mut shown).await {
            if error.is::<exit::OutputClosed>() {
                return Err(error);
            }
            say(&format!("warning: {error:#}; looking again"));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Watches until the server ends it.
async fn follow(client: &Client, journal: &Journal, shown: &mut Shown) -> anyhow::Result<()> {
    let version = version(client).await?;
    // What happened since it was looked last.
    for line in journal.lines(client).await? {
        shown.show(line)?;
    }
    let path = MIGRATIONS.path;
    let uri = format!("{path}?watch=true&timeoutSeconds=290&resourceVersion={version}");
    let request = Request::get(uri).body(Vec::new())?;
    let events = client.request_events::<Value>(request).await?;
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let object = match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
            WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(_) => return Ok(()),
        };
        let line = Line::of(&object);
        // Labels are asked for only when one is seen for the first time.
        if shown.lines.contains_key(&line.key()) || journal.selection.labels.is_none() {
            if journal.selects(&object, &Labelled::default()) {
                shown.show(line)?;
            }
        } else {
            for line in journal.lines(client).await? {
                shown.show(line)?;
            }
        }
    }
    Ok(())
}

/// Since when changes are to be told.
async fn version(client: &Client) -> anyhow::Result<String> {
    let path = format!("{}?limit=1", MIGRATIONS.path);
    let list = Ask::get(path).send(client).await?;
    let list: Value = serde_json::from_str(&list)?;
    let version = list["metadata"]["resourceVersion"].as_str();
    Ok(version.context("the journal has no version")?.to_owned())
}

/// What was printed of each object last.
struct Shown {
    lines: HashMap<(String, String), Line>,
    format: StatusFormat,
}

impl Shown {
    fn show(&mut self, line: Line) -> anyhow::Result<()> {
        let before = self.lines.get(&line.key());
        // A sign of life is no news.
        if before.is_some_and(|before| before.is_as(&line)) {
            return Ok(());
        }
        let text = line.text(self.format)?;
        self.lines.insert(line.key(), line);
        let mut out = anstream::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(exit::output)
    }
}

impl Line {
    fn key(&self) -> (String, String) {
        (self.kind.clone(), self.name.clone())
    }

    fn is_as(&self, other: &Self) -> bool {
        let news = |line: &Self| {
            (
                line.phase.clone(),
                line.reason.clone(),
                line.message.clone(),
            )
        };
        news(self) == news(other)
    }
}
