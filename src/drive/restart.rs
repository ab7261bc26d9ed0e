//! `flex2csi rewrite --restart`: stops the workloads that use volumes, rewrites their
//! volumes, and puts the replicas back: one set of volumes at a time, and the next only
//! when the pods of the one before are as ready as they were.

mod adopt;
mod left;
mod sets;
mod stopped_workloads;
mod tries;
mod workload;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use self::left::{list, say};
use self::sets::Set;
pub use self::stopped_workloads::StoppedWorkloads;
use self::workload::Kind;
use super::idle::news::News;
use super::idle::{Idle, Seen, is_passing};
use super::rewrite::Run;
use super::work::{Tally, line};
use crate::fault_points;
use crate::plan::row::Row;

/// The steps of a restart, each of which tests have killed.
pub const STEPS: [&str; 8] = [
    "restart.stop.before",
    "restart.stop.after",
    "restart.idle.after",
    "restart.rewrite.after",
    "restart.back.before",
    "restart.back.after",
    "restart.adopt.before",
    "restart.adopt.after",
];

/// Says what would be stopped, and what would not.
pub(super) fn show(rows: Vec<Row>, managed: bool) {
    let sets = sets::of(rows, managed);
    for set in &sets.sets {
        line(&format!(
            "With --yes {} is stopped, for {} volumes, and put back",
            set.name(),
            set.rows.len()
        ));
    }
    for (row, why) in &sets.refused {
        line(&format!("{} stays in use: {why}", row.object.full_name()));
    }
}

/// Of which kind, and where, what is stopped for these volumes is.
pub(super) fn to_stop(rows: Vec<Row>, managed: bool) -> BTreeSet<(Kind, String)> {
    let sets = sets::of(rows, managed).sets.into_iter();
    let workloads = sets.flat_map(|set| set.workloads);
    let stopped = workloads.filter_map(|workload| {
        let kind = Kind::of(&workload.kind)?;
        Some((kind, workload.namespace))
    });
    stopped.collect()
}

/// Restarts what uses these volumes, and rewrites them. Gives back those that are still
/// in use.
///
/// # Errors
/// The cluster cannot be read.
pub(super) async fn all(
    run: &Run<'_>,
    rows: Vec<Row>,
    tally: &mut Tally,
) -> anyhow::Result<Vec<Row>> {
    let sets = sets::of(rows, run.args.in_use.restart_managed);
    let mut rest = Vec::new();
    for (row, why) in sets.refused {
        line(&format!("{} stays in use: {why}", row.object.full_name()));
        rest.push(row);
    }
    if sets.sets.is_empty() {
        return Ok(rest);
    }
    let idle = run.idle().await?;
    let mut sets = sets.sets.into_iter();
    for set in sets.by_ref() {
        if run.is_over(tally) {
            tally.left += set.rows.len();
            continue;
        }
        if !one(run, &idle, set, tally).await? {
            break;
        }
    }
    // Those after one whose pods did not come back.
    let left: usize = sets.map(|set| set.rows.len()).sum();
    if left > 0 {
        line(&format!(
            "nothing else is stopped; {left} volumes stay in use"
        ));
    }
    tally.left += left;
    Ok(rest)
}

/// Restarts one set. Whether the next one may be.
async fn one(run: &Run<'_>, idle: &Arc<Idle>, set: Set, tally: &mut Tally) -> anyhow::Result<bool> {
    let (name, count) = (set.name(), set.rows.len());
    line(&format!("stopping {name}, for {count} volumes"));
    let stopped = StoppedWorkloads::new(&run.client, &run.holder);
    let done = stop_and_rewrite(run, idle, &set, &stopped, tally).await;
    fault_points::named("restart.rewrite.after");
    // Whatever has happened.
    let failed = stopped.put_back().await;
    if failed == 0 {
        line(&format!("{name} is put back"));
    }
    done?;
    tally.failed += failed;
    let longest = run.args.in_use.restart_timeout.0;
    let ready = tokio::select! {
        ready = stopped.are_ready(longest) => ready?,
        () = run.stop.cancelled() => None,
    };
    if let Some(missing) = ready {
        tally.failed += 1;
        line(&format!(
            "failed: {missing}, {} s after they were started; see `kubectl describe pod`",
            longest.as_secs()
        ));
        return Ok(false);
    }
    Ok(failed == 0)
}

/// All errors of a set's own are said and counted here.
async fn stop_and_rewrite(
    run: &Run<'_>,
    idle: &Arc<Idle>,
    set: &Set,
    stopped: &StoppedWorkloads,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    for workload in &set.workloads {
        if let Err(error) = stopped.stop(workload).await {
            tally.failed += set.rows.len();
            line(&format!("failed: {error}"));
            return Ok(());
        }
    }
    let longest = run.args.in_use.restart_timeout.0;
    let waited = tokio::select! {
        waited = until_idle(run, idle, set, stopped, longest) => waited?,
        () = run.stop.cancelled() => {
            tally.left += set.rows.len();
            return Ok(());
        }
    };
    if let Err(why) = waited {
        tally.failed += set.rows.len();
        line(&format!("failed: {why}"));
        return Ok(());
    }
    fault_points::named("restart.idle.after");
    let names: BTreeSet<String> = set.rows.iter().map(|row| row.object.name.clone()).collect();
    run.rewrite_idle(&names, tally).await?;
    Ok(())
}

/// Waits until nobody uses the volumes of a set; if that takes too long, who does.
async fn until_idle(
    run: &Run<'_>,
    idle: &Arc<Idle>,
    set: &Set,
    stopped: &StoppedWorkloads,
    longest: Duration,
) -> anyhow::Result<Result<(), String>> {
    let until = Instant::now() + longest;
    let mut news = News::start(&run.client, super::wait_idle::namespaces(&set.rows));
    loop {
        if let Err(error) = stopped.confirm().await {
            return Ok(Err(error.to_string()));
        }
        let users = match idle.look(&set.rows).await {
            Ok(seen) => seen
                .into_iter()
                .zip(&set.rows)
                .filter_map(|(seen, row)| match seen {
                    Seen::Used(who) => Some(format!("{}: {who}", row.object.full_name())),
                    // The survey that follows tells what became of it.
                    Seen::Idle | Seen::Gone => None,
                })
                .collect(),
            Err(error) if is_passing(&error) => vec![error.to_string()],
            Err(error) => return Err(error.into()),
        };
        let Some(first) = users.first() else {
            return Ok(Ok(()));
        };
        if Instant::now() >= until {
            return Ok(Err(format!(
                "{} is not idle {} s after it was stopped: {first}",
                set.name(),
                longest.as_secs()
            )));
        }
        // Not longer than is left.
        let _ = tokio::time::timeout_at(until, news.next()).await;
    }
}
