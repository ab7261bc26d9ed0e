//! What there is to do, by the cluster as it is now.

use k8s_openapi::jiff::Timestamp;

use super::Run;
use super::planned::{Todo, compare};
use crate::drive::records::Known;
use crate::drive::work::line;
use crate::exit::Usage;
use crate::objects::translator::Translator;
use crate::plan::evidence::Unread;
use crate::plan::evidence::load::AUTOSCALERS;
use crate::plan::row::Row;
use crate::plan::survey::{Sink, Survey};
use crate::selection::Selection;

impl Run<'_> {
    /// What there is to do, by the cluster as it is now.
    pub(super) async fn todo(
        &self,
        known: &[Known],
        dry_run: bool,
    ) -> anyhow::Result<(Todo, Translator)> {
        let (mut rows, translator) = self.survey(self.selection.clone(), dry_run).await?;
        let shard = self.args.run.share()?;
        rows.retain(|row| {
            let kind = row.object.replaced_kind();
            kind.is_some_and(|kind| shard.has(kind, &row.object.name))
        });
        // What was just tried is told of already.
        let open: Vec<&Known> = known.iter().filter(|record| !record.is_finished).collect();
        if self.args.run.yes {
            rows.retain(|row| {
                let is_same = |open: &&Known| {
                    row.object.replaced_kind() == Some(open.kind) && open.name == row.object.name
                };
                !open.iter().any(is_same)
            });
        }
        let Some(planned) = &self.planned else {
            let todo = Todo {
                rows,
                ..Todo::default()
            };
            return Ok((todo, translator));
        };
        let waits = self.args.in_use.is_any();
        Ok((
            compare(planned, rows, known, waits, |kind, name| {
                shard.has(kind, name)
            }),
            translator,
        ))
    }

    /// What a plan says of a selection now.
    pub(super) async fn survey(
        &self,
        selection: Selection,
        dry_run: bool,
    ) -> anyhow::Result<(Vec<Row>, Translator)> {
        let mut translator = self.translator()?;
        let survey = Survey {
            selection,
            node_evidence: !self.args.survey.without_node_evidence,
            // The rewrite itself shows each object to the API server.
            dry_run: dry_run && !self.args.survey.no_server_dry_run,
            at_once: self.args.survey.concurrency.get(),
            now: Timestamp::now(),
        };
        let mut rows = Rows::default();
        let surveyed = survey.run(&self.client, &mut translator, &mut rows);
        tokio::select! {
            found = surveyed => self.say_unread(&found.map_err(crate::plan::report)?.unread)?,
            () = self.stop.cancelled() => anyhow::bail!("interrupted before anything new was begun"),
        }
        Ok((rows.0, translator))
    }

    /// What was not looked at is said. Where workloads are stopped it has to be known who
    /// else has a say in them.
    fn say_unread(&self, unread: &[Unread]) -> anyhow::Result<()> {
        for Unread { what, why } in unread {
            let in_use = &self.args.in_use;
            if *what == AUTOSCALERS.what && in_use.restart && !in_use.restart_managed {
                let message = format!(
                    "--restart has to see {what}: {why}; deploy/rbac/plan.yaml has the rights. \
                     --restart-managed stops also what they scale"
                );
                return Err(Usage(message).into());
            }
            line(&format!("warning: {what} were not looked at: {why}"));
        }
        Ok(())
    }
}

/// Keeps rows.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Sink for Rows {
    fn row(&mut self, row: &Row) -> anyhow::Result<()> {
        self.0.push(row.clone());
        Ok(())
    }
}
