//! What a plan file has, and what of it is to be done now.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use flex2csi_translators::plan::VerdictKind;
use flex2csi_translators::rewrite::{Direction, ObjectKind};

use crate::drive::records::Known;
use crate::exit::Usage;
use crate::plan::file::PlanFile;
use crate::plan::row::Row;

/// What a plan file has, by kind and name.
pub(in crate::drive) type Planned = HashMap<(String, String), Row>;

/// Reads all of a plan that is to be done, or may be once nobody uses it.
pub(in crate::drive) fn read_plan(
    path: &Path,
    is_meant: impl Fn(&Row) -> bool,
) -> anyhow::Result<Planned> {
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

/// Checks that a plan, if there is one, was made for this cluster.
pub(in crate::drive) fn is_for_cluster(path: Option<&Path>, cluster: &str) -> Result<(), Usage> {
    let Some(path) = path else { return Ok(()) };
    PlanFile::open(path)
        .and_then(|file| file.for_cluster(cluster))
        .map_err(|error| Usage(error.to_string()))
}

/// Checks that a plan, if there is one, was made for what objects are to become.
pub(super) fn is_for_form(path: Option<&Path>, via_endpoint: bool) -> Result<(), Usage> {
    let Some(path) = path else { return Ok(()) };
    PlanFile::open(path)
        .and_then(|file| file.for_form(via_endpoint))
        .map_err(|error| Usage(error.to_string()))
}

/// What is to be done, as it is now.
#[derive(Default)]
pub(super) struct Todo {
    pub rows: Vec<Row>,
    /// What was planned and is not to be done any more, and why.
    pub stale: Vec<String>,
    /// How many were rewritten before.
    pub were_done: usize,
}

/// What of a plan is to be done, by the same objects as they are now.
pub(super) fn compare(
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
        let Some(kind) = row
            .object
            .replaced_kind()
            .filter(|kind| is_ours(*kind, &row.object.name))
        else {
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
            (None, Some(record)) if record.direction == Direction::Forward => {
                match other_driver(row, record) {
                    None => todo.were_done += 1,
                    Some(why) => todo.stale.push(format!("{name} {why}")),
                }
            }
            (Some(now), _) => todo.stale.push(is_now(&now)),
            (None, _) => todo.stale.push(format!("{name} {IS_GONE}")),
        }
    }
    todo
}

/// What a record has made of a planned object, if that is something else: the endpoint's
/// form instead of the backend's own, or the other way round.
fn other_driver(row: &Row, record: &Known) -> Option<String> {
    let planned = row.to.as_ref().map(|to| to.driver.as_str())?;
    let driver = record.driver.as_str();
    (driver != planned).then(|| {
        format!(
            "has become {driver}'s, not {planned}'s as was planned; plan again, with --via-endpoint or \
             without it, as it is meant"
        )
    })
}

pub(super) const IS_GONE: &str = "is not there in its legacy form any more; plan again";

pub(in crate::drive) fn is_in_use(row: &Row) -> bool {
    row.verdict == VerdictKind::InUse
}

/// What an object that was to be rewritten is instead.
pub(super) fn is_now(row: &Row) -> String {
    let why = row.findings.first();
    let why = why.map_or_else(String::new, |found| {
        format!(": {}; {}", found.message, found.remedy)
    });
    format!("{} is {} now{why}", row.object.full_name(), row.verdict)
}
