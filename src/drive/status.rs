//! `flex2csi status`.

mod watch;

use std::collections::BTreeMap;
use std::io::Write;

use kube::Client;
use serde::Serialize;
use serde_json::Value;

use super::args::{StatusArgs, StatusFormat};
use super::labels::Labelled;
use super::records;
use super::restart;
use super::work::line;
use crate::exit::{self, Done};
use crate::journal::Document;
use crate::listing::{table, text};
use crate::selection::Selection;
use crate::{daemon, manifest};

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
    let journal = Journal {
        selection: args.selection.selection()?,
    };
    daemon::run(async |stop| {
        let client = args.cluster.client().await?;
        let lines = journal.lines(&client).await?;
        print(&lines, args.output)?;
        // Who may not list workloads has stopped none.
        for text in restart::say(&restart::list(&client).await?) {
            line(&text);
        }
        if args.watch {
            tokio::select! {
                watched = watch::watch(&client, &journal, lines, args.output) => return watched,
                () = stop.cancelled() => return Ok(Done::All),
            }
        }
        let needs_somebody = lines.iter().any(|line| line.phase == "Stopped");
        Ok(if needs_somebody {
            Done::Some
        } else {
            Done::All
        })
    })
}

/// The records that are asked for.
struct Journal {
    selection: Selection,
}

impl Journal {
    async fn lines(&self, client: &Client) -> anyhow::Result<Vec<Line>> {
        let labelled = Labelled::find(client, &self.selection).await?;
        let mut lines = Vec::new();
        records::each(client, |object| {
            if self.selects(object, &labelled) {
                lines.push(Line::of(object));
            }
            Ok(())
        })
        .await?;
        lines.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
        Ok(lines)
    }

    /// What cannot be read is shown in any case.
    fn selects(&self, object: &Value, labelled: &Labelled) -> bool {
        if self.selection.is_empty() {
            return true;
        }
        let Ok(document) = Document::read(object) else {
            return true;
        };
        labelled.may_have(&document) && records::is_selected(&self.selection, &document)
    }
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
    let text = match format {
        StatusFormat::Json | StatusFormat::Yaml => {
            let texts = lines.iter().map(|line| line.text(format));
            texts.collect::<anyhow::Result<String>>()?
        }
        StatusFormat::Table if lines.is_empty() => {
            "Nothing was rewritten here. Next: `flex2csi plan --out plan.yaml`.\n".to_owned()
        }
        StatusFormat::Table => {
            let mut table = table(&["OBJECT", "CLAIM", "PHASE", "WHY"]);
            for line in lines {
                let object = object(&line.kind, &line.name);
                let message = line.message.clone();
                table.add_row([object, line.claim.clone(), line.phase.clone(), message]);
            }
            format!("{}\n{}\n", text(&table), summary(lines))
        }
    };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(exit::output)
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
    /// By itself.
    fn text(&self, format: StatusFormat) -> anyhow::Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(match format {
            StatusFormat::Json => json + "\n",
            StatusFormat::Yaml => format!("---\n{}", manifest::yaml::from_json(&json)?),
            StatusFormat::Table => {
                let object = object(&self.kind, &self.name);
                let text = format!("{object}  {}  {}", self.phase, self.message);
                text.trim_end().to_owned() + "\n"
            }
        })
    }

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
