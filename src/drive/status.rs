//! `flex2csi status`.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context as _;
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde::Serialize;
use serde_json::Value;
use tokio_stream::StreamExt as _;

use super::args::{StatusArgs, StatusFormat};
use super::records;
use super::restart;
use super::work::line;
use crate::daemon;
use crate::exit::{self, Done};
use crate::listing::{table, text};
use crate::plan::evidence::load::MIGRATIONS;
use crate::plan::request::{self, Ask};

/// One object, as its record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    kind: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    claim: String,
    phase: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    holder: String,
    renew_time: String,
}

/// Runs `flex2csi status`. The exit code is 1 if an object needs somebody.
///
/// # Errors
/// The journal cannot be read, or what it says not be written.
pub fn run(args: &StatusArgs) -> anyhow::Result<Done> {
    daemon::run(async |stop| {
        let client = args.cluster.client().await?;
        let version = version(&client).await;
        let mut lines = Vec::new();
        records::each(&client, |object| {
            lines.push(Line::of(object));
            Ok(())
        })
        .await?;
        lines.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
        let stopped = lines.iter().any(|line| line.phase == "Stopped");
        print(&lines, args.output)?;
        // Who may not list workloads has stopped none.
        for text in restart::say(&restart::list(&client).await?) {
            line(&text);
        }
        if args.watch {
            tokio::select! {
                watched = watch(&client, version?, args.output) => watched?,
                () = stop.cancelled() => {}
            }
        }
        Ok(if stopped { Done::Some } else { Done::All })
    })
}

/// As the plan's table has it.
pub(super) fn object(kind: &str, name: &str) -> String {
    match kind {
        "StorageClass" => format!("sc/{name}"),
        _ => format!("pv/{name}"),
    }
}

fn print(lines: &[Line], format: StatusFormat) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    if format == StatusFormat::Json {
        for line in lines {
            let json = serde_json::to_string(line)?;
            writeln!(out, "{json}").map_err(exit::output)?;
        }
        return out.flush().map_err(exit::output);
    }
    if lines.is_empty() {
        return writeln!(
            out,
            "Nothing was rewritten here. Next: `flex2csi plan --out plan.yaml`."
        )
        .map_err(exit::output);
    }
    let mut table = table(&["OBJECT", "CLAIM", "PHASE", "WHY"]);
    for line in lines {
        let object = object(&line.kind, &line.name);
        let message = line.message.clone();
        table.add_row([object, line.claim.clone(), line.phase.clone(), message]);
    }
    writeln!(out, "{}\n{}", text(&table), summary(lines)).map_err(exit::output)?;
    out.flush().map_err(exit::output)
}

/// What all comes to, and what to do next.
fn summary(lines: &[Line]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(&line.phase).or_default() += 1;
    }
    let count = |phases: &[&str]| -> usize {
        phases
            .iter()
            .map(|phase| counts.get(phase).copied().unwrap_or(0))
            .sum()
    };
    let rewritten = count(&["Rewritten"]);
    let back = count(&["RolledBack"]);
    let stopped = count(&["Stopped"]);
    let forward = count(&["Begun", "Preparing", "Replacing"]);
    let backward = count(&["PreparingBack", "RollingBack"]);
    let mut text = format!(
        "{rewritten} rewritten, {back} brought back, {} under way, {stopped} stopped",
        forward + backward
    );
    if stopped > 0 {
        text.push_str(
            "\nNext: do what stands beside those that stopped, then `flex2csi rewrite` once more, or \
             `flex2csi rollback`.",
        );
    } else if forward > 0 {
        text.push_str(
            "\nNext: if no `flex2csi rewrite` runs any more, run it again: it goes on with these.",
        );
    } else if backward > 0 {
        text.push_str(
            "\nNext: if no `flex2csi rollback` runs any more, run it again: it goes on with these.",
        );
    }
    text
}

impl Line {
    fn of(object: &Value) -> Self {
        let text = |at: &str| {
            let text = object.pointer(at).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let claim = match (text("/spec/claim/namespace"), text("/spec/claim/name")) {
            (_, name) if name.is_empty() => String::new(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        // Another rewrite's status says nothing of this one.
        let is_own = text("/spec/id") == text("/status/id");
        let of_status = |at: &str| if is_own { text(at) } else { String::new() };
        let phase = match of_status("/status/phase") {
            phase if phase.is_empty() => "Begun".to_owned(),
            phase => phase,
        };
        Self {
            kind: text("/spec/kind"),
            name: text("/spec/name"),
            claim,
            phase,
            reason: of_status("/status/conditions/0/reason"),
            message: of_status("/status/conditions/0/message"),
            holder: text("/spec/holder"),
            renew_time: of_status("/status/renewTime"),
        }
    }
}

/// Since when changes are to be told.
async fn version(client: &Client) -> anyhow::Result<String> {
    let path = format!("{}?limit=1", MIGRATIONS.path);
    let list = request::send(client, &Ask::get(path)).await?;
    let list: Value = serde_json::from_str(&list)?;
    let version = list["metadata"]["resourceVersion"].as_str();
    Ok(version.context("the journal has no version")?.to_owned())
}

/// Prints a line for each change.
async fn watch(client: &Client, mut version: String, format: StatusFormat) -> anyhow::Result<()> {
    loop {
        let path = MIGRATIONS.path;
        let uri = format!("{path}?watch=true&timeoutSeconds=290&resourceVersion={version}");
        let request = Request::get(uri).body(Vec::new())?;
        let events = client.request_events::<Value>(request).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let object = match event? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
                WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(status) => anyhow::bail!("{}; run it again", status.message),
            };
            if let Some(seen) = object["metadata"]["resourceVersion"].as_str() {
                version = seen.to_owned();
            }
            let line = Line::of(&object);
            let mut out = anstream::stdout().lock();
            let text = match format {
                StatusFormat::Json => serde_json::to_string(&line)?,
                StatusFormat::Table => {
                    let object = self::object(&line.kind, &line.name);
                    format!("{object}  {}  {}", line.phase, line.message)
                }
            };
            let written = writeln!(out, "{}", text.trim_end());
            written.and_then(|()| out.flush()).map_err(exit::output)?;
        }
    }
}
