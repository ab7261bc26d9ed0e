//! `flex2csi rewrite`.

mod in_use;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use flex2csi_translators::plan::{Code, VerdictKind};
use flex2csi_translators::rewrite::{Direction, ObjectKind};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio_util::sync::CancellationToken;

use super::args::RewriteArgs;
use super::diff;
use super::fence::{self, Fence};
use super::holder;
use super::records::{self, Known};
use super::restart::{self, Stopped};
use super::secrets;
use super::site::{self, Job, Site};
use super::work::{self, Tally, line};
use crate::exit::{Done, Usage};
use crate::plan::file::{Head, PlanFile};
use crate::plan::output::Output;
use crate::plan::row::Row;
use crate::plan::selection::Selection;
use crate::plan::survey::{Found, Sink, Survey};
use crate::plan::translator::Translator;
use crate::plan::{PlanFormat, cluster_identity};
use crate::{daemon, site as site_files};

/// Runs `flex2csi rewrite`.
///
/// # Errors
/// Nothing was done, or not all of what was found can be told.
pub fn run(args: &RewriteArgs) -> anyhow::Result<Done> {
    if args.rbac {
        return crate::plan::print_rewrite_rights(args.in_use.is_any(), args.run.fence);
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
    daemon::run(async |stop| {
        work::tell_of_stop(&stop);
        work::warn(&args.run);
        let client = args.cluster.client().await?;
        let cluster = cluster_identity(&client).await?;
        if let Some(path) = &args.run.plan {
            PlanFile::open(path)
                .and_then(|file| file.for_cluster(&cluster))
                .map_err(|error| Usage(error.to_string()))?;
        }
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

/// What a plan file has, by kind and name.
pub(super) type Planned = HashMap<(String, String), Row>;

/// Reads all of a plan that is to be done, or may be once nobody uses it.
pub(super) fn read_plan(path: &Path, is_meant: impl Fn(&Row) -> bool) -> anyhow::Result<Planned> {
    let unusable = |error: crate::plan::file::PlanFileError| Usage(error.to_string());
    let mut file = PlanFile::open(path).map_err(unusable)?;
    let mut rows = HashMap::new();
    while let Some(row) = file.next().map_err(unusable)? {
        if is_meant(&row) && !row.options.skip {
            let key = (row.object.kind.clone(), row.object.name.clone());
            rows.insert(key, row);
        }
    }
    Ok(rows)
}

/// The kinds that are replaced.
pub(super) fn kind_of(row: &Row) -> Option<ObjectKind> {
    match row.object.kind.as_str() {
        "PersistentVolume" => Some(ObjectKind::PersistentVolume),
        "StorageClass" => Some(ObjectKind::StorageClass),
        _ => None,
    }
}

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
    fence: OnceLock<Arc<Fence>>,
}

/// What is to be done, as it is now.
#[derive(Default)]
struct Todo {
    rows: Vec<Row>,
    /// What was planned and is not to be done any more, and why.
    stale: Vec<String>,
    were_done: usize,
}

impl Run<'_> {
    async fn go(&self) -> anyhow::Result<Done> {
        if self.args.survey.without_node_evidence {
            line(&format!("warning: {}", Code::WithoutNodeEvidence.meaning()));
        }
        let known = records::selected(&self.client, self.args.run.share()?, |document| match &self
            .planned
        {
            Some(planned) => {
                let spec = &document.spec;
                planned.contains_key(&(spec.kind.to_string(), spec.name.clone()))
            }
            None => records::is_selected(&self.selection, document),
        })
        .await;
        if !self.args.run.yes {
            let known = known.unwrap_or_else(|error| {
                line(&format!("warning: {error:#}"));
                Vec::new()
            });
            return self.show(&known).await;
        }
        let known = known?;
        self.put_up_fence().await?;
        // What a process that was killed has left stopped is put back, whatever happens.
        let adopted = Stopped::new(&self.client, &self.holder);
        if let Err(error) = adopted.adopt().await {
            line(&format!(
                "warning: workloads that are stopped cannot be looked for: {error}"
            ));
        }
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

    async fn all(
        &self,
        known: &[Known],
        adopted: &Stopped,
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
        for stale in &todo.stale {
            line(&format!("failed: {stale}"));
        }
        tally.failed += todo.stale.len();
        tally.were_done += todo.were_done;
        let site = self.site(translator)?;
        let (ready, mut rest): (Vec<Row>, Vec<Row>) =
            todo.rows.into_iter().partition(Row::is_ready);
        let (first, ready) = self.of_stopped(adopted, ready).await;
        self.rewrite(&site, first, tally).await;
        tally.failed += adopted.put_back().await;
        self.rewrite(&site, ready, tally).await;
        drop(site);
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
    async fn rewrite(&self, site: &Arc<Site>, ready: Vec<Row>, tally: &mut Tally) {
        if ready.is_empty() {
            return;
        }
        if self.is_over(tally) {
            tally.left += ready.len();
            return;
        }
        let jobs = ready.into_iter().map(|row| Job::Rewrite(Box::new(row)));
        tally.add(work::all(site, jobs.collect(), &self.args.run, &self.stop).await);
    }

    /// Whether nothing new is to be begun.
    pub(super) fn is_over(&self, tally: &Tally) -> bool {
        let limit = self.args.run.limit();
        self.stop.is_cancelled() || limit.reached(tally.failed, 0).is_some()
    }

    fn translator(&self) -> anyhow::Result<Translator> {
        let mappings = site_files::mappings(&self.args.mappings)?;
        let values = site_files::values(self.args.values.as_deref(), &mappings)?;
        Ok(Translator::new(mappings, values))
    }

    fn site(&self, translator: Translator) -> anyhow::Result<Arc<Site>> {
        let mut options = site::options(&self.args.run)?;
        options.backup = self.args.backup.clone();
        options.pins = self.args.pins.settings();
        options.cancel = self.stop.clone();
        Ok(Arc::new(Site::new(
            self.client.clone(),
            Arc::new(translator),
            !self.args.survey.without_node_evidence,
            self.args.run.parallel.get(),
            self.fence.get().cloned(),
            options,
        )))
    }

    /// Finishes what another process, or this one before, has begun.
    async fn finish(&self, known: &[Known]) -> anyhow::Result<Tally> {
        let open = known.iter().filter(|record| !record.is_finished);
        let (forward, back): (Vec<&Known>, Vec<&Known>) =
            open.partition(|record| record.direction == Direction::Forward);
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
        let mut translator = self.translator()?;
        site::learn(&self.client, &mut translator).await?;
        let site = self.site(translator)?;
        let jobs = forward
            .iter()
            .map(|record| Job::Finish(record.kind, record.name.clone()));
        tally.add(work::all(&site, jobs.collect(), &self.args.run, &self.stop).await);
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
            let is_ours = kind_of(row).is_some_and(|kind| shard.has(kind, &row.object.name));
            let key = (row.object.kind.clone(), row.object.name.clone());
            let planned = self.planned.as_ref();
            is_ours && planned.is_none_or(|planned| planned.contains_key(&key))
        });
        let failed = secrets::create(&self.client, &translator, &rows).await;
        // What was planned is told of once more, as blocked still.
        if self.planned.is_none() {
            tally.failed += failed;
        }
        Ok(())
    }

    /// What there is to do, by the cluster as it is now.
    async fn todo(&self, known: &[Known], dry_run: bool) -> anyhow::Result<(Todo, Translator)> {
        let (mut rows, translator) = self.survey(self.selection.clone(), dry_run).await?;
        let shard = self.args.run.share()?;
        rows.retain(|row| kind_of(row).is_some_and(|kind| shard.has(kind, &row.object.name)));
        // What was just tried is told of already.
        let open: Vec<&Known> = known.iter().filter(|record| !record.is_finished).collect();
        if self.args.run.yes {
            rows.retain(|row| !open.iter().any(|open| open.name == row.object.name));
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
    async fn survey(
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
            found = surveyed => drop(found.map_err(crate::plan::report)?),
            () = self.stop.cancelled() => anyhow::bail!("interrupted before anything new was begun"),
        }
        Ok((rows.0, translator))
    }

    async fn show(&self, known: &[Known]) -> anyhow::Result<Done> {
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

/// Keeps rows.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Sink for Rows {
    fn row(&mut self, row: &Row) -> anyhow::Result<()> {
        self.0.push(row.clone());
        Ok(())
    }
}

/// What of a plan is to be done, by the same objects as they are now.
fn compare(
    planned: &Planned,
    rows: Vec<Row>,
    known: &[Known],
    waits: bool,
    is_ours: impl Fn(ObjectKind, &str) -> bool,
) -> Todo {
    let mut now: BTreeMap<(String, String), Row> = rows
        .into_iter()
        .map(|row| ((row.object.kind.clone(), row.object.name.clone()), row))
        .collect();
    let records: HashMap<(ObjectKind, &str), &Known> = known
        .iter()
        .map(|record| ((record.kind, record.name.as_str()), record))
        .collect();
    let mut todo = Todo::default();
    let mut keys: Vec<_> = planned.iter().collect();
    keys.sort_by(|one, other| one.0.cmp(other.0));
    for (key, row) in keys {
        let Some(kind) = kind_of(row).filter(|kind| is_ours(*kind, &row.object.name)) else {
            continue;
        };
        let name = row.object.full_name();
        let record = records.get(&(kind, row.object.name.as_str()));
        match (now.remove(key), record) {
            (Some(now), _) if is_in_use(row) && now.object.uid != row.object.uid => {
                todo.stale.push(format!("{name} {IS_GONE}"));
            }
            // Pods that come and go change a volume; what it becomes is pinned all the same.
            (Some(now), _) if waits && (is_in_use(&now) || is_in_use(row) && now.is_ready()) => {
                todo.rows.push(Row {
                    to: row.to.clone(),
                    options: row.options.clone(),
                    ..now
                });
            }
            // What was planned counts, as far as it still may be done.
            (Some(now), _) if now.is_ready() => todo.rows.push(Row {
                verdict: now.verdict,
                in_use: now.in_use,
                workloads: now.workloads,
                findings: now.findings,
                ..row.clone()
            }),
            // It was just gone on with.
            (_, Some(record)) if !record.is_finished => {}
            (None, Some(record)) if record.direction == Direction::Forward => todo.were_done += 1,
            (Some(now), _) => todo.stale.push(is_now(&now)),
            (None, _) => todo.stale.push(format!("{name} {IS_GONE}")),
        }
    }
    todo
}

const IS_GONE: &str = "is not there in its legacy form any more; plan again";

fn is_in_use(row: &Row) -> bool {
    row.verdict == VerdictKind::InUse
}

/// What an object that was to be rewritten is instead.
fn is_now(row: &Row) -> String {
    let why = row.findings.first();
    let why = why.map_or_else(String::new, |found| {
        format!(": {}; {}", found.message, found.remedy)
    });
    format!("{} is {} now{why}", row.object.full_name(), row.verdict)
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
