//! What a dry run shows.

use std::io::IsTerminal;

use k8s_openapi::jiff::Timestamp;

use super::Run;
use super::planned::is_in_use;
use crate::drive::records::Known;
use crate::drive::work::line;
use crate::drive::{diff, restart, rights, secrets};
use crate::exit::Done;
use crate::plan::PlanFormat;
use crate::plan::file::Head;
use crate::plan::output::Output;
use crate::plan::survey::{Found, Sink};

impl Run<'_> {
    pub(super) async fn show(&self, known: &[Known]) -> anyhow::Result<Done> {
        let (todo, translator) = self.todo(known, true).await?;
        if self.args.run.diff {
            let shown = diff::forward(&self.client, &translator, &todo.rows).await?;
            for stale in &todo.stale {
                line(&format!("warning: {stale}"));
            }
            return Ok(if todo.stale.is_empty() {
                shown
            } else {
                Done::Some
            });
        }
        let head = Head {
            cluster: self.cluster.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            created: format!("{:.0}", Timestamp::now()),
            node_evidence: !self.args.survey.without_node_evidence,
            server_dry_run: !self.args.survey.no_server_dry_run,
            via_endpoint: Some(self.args.survey.via_endpoint),
        };
        let stdout = std::io::stdout();
        let width = stdout
            .is_terminal()
            .then(|| comfy_table::Table::new().width().map(usize::from))
            .flatten();
        let out = anstream::stdout().lock();
        let mut output = Output::new(out, PlanFormat::Table, width, &head, None)?;
        let mut found = Found::default();
        for row in &todo.rows {
            *found.verdicts.entry(row.verdict).or_default() += 1;
            output.row(row)?;
        }
        let ready = todo.rows.iter().filter(|row| row.is_ready()).count();
        let next =
            format!("This is a dry run: nothing was changed. To be rewritten with --yes: {ready}.");
        output.close(&found, &next)?;
        for stale in &todo.stale {
            line(&format!("warning: {stale}"));
        }
        let mut needs = self.needs(known);
        needs.extend(self.needs_of(&todo.rows));
        if self.args.create_secrets {
            needs.extend(secrets::needs(&self.client, &translator, &todo.rows).await);
        }
        if let Some(what) = rights::lacking(&self.client, needs).await? {
            line(&format!(
                "warning: with --yes nothing would be done: {what}"
            ));
        }
        let lacking = todo.rows.iter().filter(|row| secrets::is_lacking(row));
        if self.args.create_secrets {
            let lacking = lacking.count();
            line(&format!("with --yes the Secrets of {lacking} come first"));
        }
        if self.args.in_use.restart {
            let in_use = todo.rows.iter().filter(|row| is_in_use(row));
            restart::show(in_use.cloned().collect(), self.args.in_use.restart_managed);
        }
        let open = known.iter().filter(|record| !record.is_finished).count();
        if open > 0 {
            line(&format!(
                "begun and not finished: {open}; with --yes these come first"
            ));
        }
        Ok(match todo.stale.len() {
            0 => Done::All,
            _ => Done::Some,
        })
    }
}
