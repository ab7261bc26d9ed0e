//! `flex2csi rewrite`.

mod found;
mod in_use;
mod planned;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use flex2csi_translators::plan::{FindingCode, VerdictKind};
use flex2csi_translators::rewrite::{Direction, ObjectKind};
use kube::Client;
use tokio_util::sync::CancellationToken;

use planned::{IS_GONE, is_for_form, is_now};
pub(super) use planned::{Planned, is_for_cluster, is_in_use, read_plan};

use super::args::RewriteArgs;
use super::coming::Coming;
use super::fence::{self, Fence};
use super::labels::Labelled;
use super::records::{self, Known};
use super::restart::StoppedWorkloads;
use super::rewriter::{self, Job, Rewriter};
use super::rights;
use super::secrets;
use super::work::{self, Tally, line};
use super::{holder, live};
use crate::api_client::cluster_identity;
use crate::exit::Done;
use crate::journal::Document;
use crate::objects::translator::Translator;
use crate::plan::row::Row;
use crate::rewrite::Place;
use crate::rights::{Need, Places, of_watching};
use crate::selection::Selection;
use crate::{daemon, site};

/// Runs `flex2csi rewrite`.
///
/// # Errors
/// Nothing was done, or not all of what was found can be told.
pub fn run(args: &RewriteArgs) -> anyhow::Result<Done> {
    if args.rbac {
        return rights::print(args);
    }
    if args.remove_fence {
        return fence::remove_left(&args.cluster);
    }
    args.check()?;
    // Whether it is whole comes before anything is touched.
    let planned = args.run.plan.as_deref();
    let planned = planned.map(|path| {
        read_plan(path, |row| {
            row.is_ready()
                || (args.in_use.is_any() && is_in_use(row))
                || (args.create_secrets && secrets::is_lacking(row))
        })
    });
    let planned = planned.transpose()?;
    is_for_form(args.run.plan.as_deref(), args.survey.via_endpoint)?;
    daemon::run(async |stop| {
        work::tell_of_stop(&stop);
        work::warn(&args.run);
        let client = args.cluster.client().await?;
        let cluster = cluster_identity(&client).await?;
        is_for_cluster(args.run.plan.as_deref(), &cluster)?;
        let run = Run {
            args,
            client,
            cluster,
            selection: args.selection.selection()?,
            planned,
            stop,
            holder: holder::name()?,
            fence: OnceLock::new(),
        };
        run.go().await
    })
}

const NOTHING_DONE: &str = "nothing was done";

/// One run of `flex2csi rewrite`.
pub(super) struct Run<'a> {
    pub(super) args: &'a RewriteArgs,
    pub(super) client: Client,
    cluster: String,
    selection: Selection,
    planned: Option<Planned>,
    pub(super) stop: CancellationToken,
    /// The name of this process.
    pub(super) holder: String,
    /// Not there before it is put up; none where none is asked for.
    fence: OnceLock<Option<Arc<Fence>>>,
}

impl Run<'_> {
    async fn go(&self) -> anyhow::Result<Done> {
        if self.args.survey.without_node_evidence {
            line(&format!(
                "warning: {}",
                FindingCode::WithoutNodeEvidence.meaning()
            ));
        }
        let known = self.known().await;
        if !self.args.run.yes {
            let known = known.unwrap_or_else(|error| {
                line(&format!("warning: {error:#}"));
                Vec::new()
            });
            return self.show(&known).await;
        }
        let known = known?;
        self.is_allowed(&known).await?;
        // What a process that was killed has left stopped is put back, whatever happens.
        let adopted = StoppedWorkloads::left_by_others(&self.client, &self.holder).await;
        let mut tally = Tally::default();
        let done = self.all(&known, &adopted, &mut tally).await;
        tally.failed += adopted.put_back().await;
        self.take_down_fence().await;
        match done {
            // Something was done, whatever kept it from going on.
            Err(error) if tally != Tally::default() => anyhow::bail!("{error:#}"),
            done => done?,
        }
        tally.say("rewrite");
        Ok(tally.ended())
    }

    /// Whether all rights are there that a run as this one needs, before anything is
    /// touched. What is needed for single objects is asked when it is known which.
    async fn is_allowed(&self, known: &[Known]) -> anyhow::Result<()> {
        let needs = self.needs(known);
        rights::check(&self.client, needs, NOTHING_DONE).await
    }

    pub(super) fn needs(&self, known: &[Known]) -> Vec<Need> {
        let has_classes = match &self.planned {
            Some(planned) => planned
                .values()
                .any(|row| row.object.replaced_kind() == Some(ObjectKind::StorageClass)),
            None => self.selection.has_classes(),
        };
        let claims = match &self.planned {
            Some(planned) => {
                let claims = planned.values().filter_map(|row| row.claim.as_ref());
                Places::These(claims.map(|claim| claim.namespace.clone()).collect())
            }
            None => rights::of_selection(&self.selection),
        };
        let open = known.iter().filter(|record| !record.is_finished);
        let pins = &self.args.pins.pin_namespace;
        let mut needs = rights::of_run(has_classes, &claims, self.args.run.fence);
        needs.extend(rights::of_records(open, Some(pins)));
        needs
    }

    /// What is needed for these objects beside that.
    pub(super) fn needs_of(&self, rows: &[Row]) -> Vec<Need> {
        let in_use = &self.args.in_use;
        let plans = rights::Plans {
            pin_namespace: &self.args.pins.pin_namespace,
            restart: in_use.restart.then_some(in_use.restart_managed),
        };
        rights::of_rows(rows, plans)
    }

    /// Whether it is all there, and what is done without if some of it is not.
    async fn is_allowed_for(&self, rows: &[Row], tally: &Tally) -> anyhow::Result<()> {
        rights::check(&self.client, self.needs_of(rows), done_before(tally)).await?;
        if self.args.in_use.is_any() && rows.iter().any(is_in_use) {
            let unwatched = rights::lacking(&self.client, of_watching()).await?;
            if let Some(what) = unwatched {
                line(&format!(
                    "warning: {what}; without them volumes in use are looked at every 10 s"
                ));
            }
        }
        Ok(())
    }

    /// The records of what is asked for.
    async fn known(&self) -> anyhow::Result<Vec<Known>> {
        let labelled = Labelled::find(&self.client, &self.selection).await?;
        let selects = |document: &Document| match &self.planned {
            Some(planned) => {
                let spec = &document.spec;
                planned.contains_key(&(spec.kind.to_string(), spec.name.clone()))
            }
            None => labelled.may_have(document) && records::is_selected(&self.selection, document),
        };
        let share = self.args.run.share()?;
        let mut known = records::selected(&self.client, share, selects).await?;
        labelled.leave_others(&self.client, &mut known).await?;
        Ok(known)
    }

    async fn all(
        &self,
        known: &[Known],
        adopted: &StoppedWorkloads,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        tally.add(self.finish(known).await?);
        self.create_secrets(tally).await?;
        let todo = self.todo(known, self.args.in_use.restart).await;
        let (todo, translator) = match todo {
            // Something was done, whatever kept it from going on.
            Err(error) if *tally != Tally::default() => anyhow::bail!("{error:#}"),
            todo => todo?,
        };
        self.is_allowed_for(&todo.rows, tally).await?;
        self.put_up_fence().await?;
        for stale in &todo.stale {
            line(&format!("failed: {stale}"));
        }
        tally.failed += todo.stale.len();
        tally.were_done += todo.were_done;
        let (ready, mut rest): (Vec<Row>, Vec<Row>) =
            todo.rows.into_iter().partition(Row::is_ready);
        let rewriter = self.rewriter(translator, coming(&ready))?;
        let (first, ready) = self.of_stopped(adopted, ready).await;
        self.rewrite(&rewriter, first, tally).await;
        tally.failed += adopted.put_back().await;
        self.rewrite(&rewriter, ready, tally).await;
        drop(rewriter);
        if self.args.in_use.is_any() {
            let in_use;
            (in_use, rest) = rest
                .into_iter()
                .partition(|row| row.verdict == VerdictKind::InUse);
            rest.extend(self.in_use(in_use, tally).await?);
        }
        say_rest(&rest);
        Ok(())
    }

    /// Rewrites those that are ready, unless all is to stop.
    async fn rewrite(&self, rewriter: &Arc<Rewriter>, ready: Vec<Row>, tally: &mut Tally) {
        if ready.is_empty() {
            return;
        }
        if self.is_over(tally) {
            tally.left += ready.len();
            return;
        }
        let jobs = ready.into_iter().map(|row| Job::Rewrite(Box::new(row)));
        tally.add(work::all(rewriter, jobs.collect(), &self.args.run, &self.stop).await);
    }

    /// Whether nothing new is to be begun.
    pub(super) fn is_over(&self, tally: &Tally) -> bool {
        let limit = self.args.run.limit();
        self.stop.is_cancelled() || limit.reached(tally.failed, 0).is_some()
    }

    fn translator(&self) -> anyhow::Result<Translator> {
        let mappings = self.args.mappings.read()?;
        let values = site::values(self.args.values.as_deref(), &mappings)?;
        Ok(Translator::new(mappings, values).via_endpoint(self.args.survey.via_endpoint))
    }

    pub(super) fn rewriter(
        &self,
        translator: Translator,
        coming: Coming,
    ) -> anyhow::Result<Arc<Rewriter>> {
        let mut options = rewriter::options(&self.args.run)?;
        options.backup = self.args.backup.clone();
        options.pins = self.args.pins.settings();
        options.cancel = self.stop.clone();
        Ok(Arc::new(Rewriter::new(
            self.client.clone(),
            Arc::new(translator),
            !self.args.survey.without_node_evidence,
            self.args.run.parallel.get(),
            self.fence.get().cloned().flatten(),
            options,
            coming,
        )))
    }

    /// Finishes what another process, or this one before, has begun.
    async fn finish(&self, known: &[Known]) -> anyhow::Result<Tally> {
        let open = known.iter().filter(|record| !record.is_finished);
        // Of what is only about to be brought back nothing was deleted: that is let be.
        let (forward, back): (Vec<&Known>, Vec<&Known>) =
            open.partition(|record| record.direction == Direction::Forward || !record.is_committed);
        let mut tally = Tally::default();
        for record in back {
            tally.failed += 1;
            line(&format!(
                "failed: {} {} is being brought back by {}; `flex2csi rollback` finishes that",
                record.kind, record.name, record.holder
            ));
        }
        if forward.is_empty() {
            return Ok(tally);
        }
        line(&format!(
            "begun and not finished: {}; these come first",
            forward.len()
        ));
        self.put_up_fence().await?;
        let mut translator = self.translator()?;
        rewriter::learn(&self.client, &mut translator).await?;
        let rewriter = self.rewriter(translator, Coming::default())?;
        let jobs = forward
            .iter()
            .map(|record| Job::Finish(record.kind, record.name.clone()));
        tally.add(work::all(&rewriter, jobs.collect(), &self.args.run, &self.stop).await);
        Ok(tally)
    }

    /// Makes the Secrets that volumes wait for, if that was asked for.
    async fn create_secrets(&self, tally: &mut Tally) -> anyhow::Result<()> {
        if !self.args.create_secrets || self.is_over(tally) {
            return Ok(());
        }
        let (mut rows, translator) = self.survey(self.selection.clone(), false).await?;
        let shard = self.args.run.share()?;
        rows.retain(|row| {
            let kind = row.object.replaced_kind();
            let is_ours = kind.is_some_and(|kind| shard.has(kind, &row.object.name));
            let key = (row.object.kind.clone(), row.object.name.clone());
            let planned = self.planned.as_ref();
            is_ours && planned.is_none_or(|planned| planned.contains_key(&key))
        });
        let needs = secrets::needs(&self.client, &translator, &rows).await;
        rights::check(&self.client, needs, done_before(tally)).await?;
        let failed = secrets::create(&self.client, &translator, &rows).await;
        // What was planned is told of once more, as blocked still.
        if self.planned.is_none() {
            tally.failed += failed;
        }
        Ok(())
    }
}

/// What is said of a run that ends here.
fn done_before(tally: &Tally) -> &'static str {
    match *tally == Tally::default() {
        true => NOTHING_DONE,
        false => "nothing else was begun",
    }
}

/// Of which objects it is worth to be told before their turn comes: the first, of which not
/// too much is kept.
fn coming(ready: &[Row]) -> Coming {
    const FIRST: usize = 10_000;
    let places = ready.iter().take(FIRST).flat_map(|row| {
        let claim = row.claim.as_ref().map(Place::of_claim);
        claim.into_iter().chain([live::place_of(row)])
    });
    Coming::new(places.collect())
}

/// What was not touched, in a line for each verdict.
fn say_rest(rest: &[Row]) {
    let mut counts: BTreeMap<VerdictKind, usize> = BTreeMap::new();
    for row in rest {
        *counts.entry(row.verdict).or_default() += 1;
    }
    for (verdict, count) in counts {
        line(&format!(
            "not touched: {count} {verdict}; `flex2csi plan` says why"
        ));
    }
}
