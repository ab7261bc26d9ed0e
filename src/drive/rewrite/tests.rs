//! A plan beside the cluster as it is now.

use flex2csi_translators::rewrite::{InUse, ObjectKind};

use super::planned::compare;
use super::*;
use crate::plan::row::To;

fn planned(names: &[&str]) -> Planned {
    let rows = names
        .iter()
        .map(|name| Row::of_volume(name, VerdictKind::Ready));
    rows.map(|row| ((row.object.kind.clone(), row.object.name.clone()), row))
        .collect()
}

fn known(name: &str, direction: Direction, is_finished: bool) -> Known {
    Known {
        kind: ObjectKind::PersistentVolume,
        name: name.into(),
        claim: String::new(),
        driver: "d".into(),
        direction,
        is_finished,
        is_committed: false,
        holder: "h".into(),
        pins: None,
    }
}

#[test]
fn what_is_as_it_was_is_done_with_the_version_and_options_of_the_plan() {
    let mut plan = planned(&["a"]);
    let key = ("PersistentVolume".to_owned(), "a".to_owned());
    plan.get_mut(&key).unwrap().options.keep_delete = Some(true);
    let mut now = Row::of_volume("a", VerdictKind::ReadyInUse);
    now.object.resource_version = "8".into();
    now.in_use = InUse::RuntimeEqual;
    let todo = compare(
        &plan,
        vec![now, Row::of_volume("b", VerdictKind::Ready)],
        &[],
        false,
        |_, _| true,
    );
    let [row] = todo.rows.as_slice() else {
        panic!("{:?}", todo.rows)
    };
    assert_eq!(row.object.resource_version, "7");
    assert_eq!(row.options.keep_delete, Some(true));
    assert_eq!(row.in_use, InUse::RuntimeEqual);
    assert!(todo.stale.is_empty());
}

#[test]
fn what_is_not_ready_any_more_or_not_there_is_named() {
    let plan = planned(&["busy", "done", "gone", "back", "open"]);
    let records = [
        known("done", Direction::Forward, true),
        known("back", Direction::Back, true),
        known("open", Direction::Forward, false),
    ];
    let now = vec![
        Row::of_volume("busy", VerdictKind::InUse),
        Row::of_volume("back", VerdictKind::Ready),
    ];
    let todo = compare(&plan, now, &records, false, |_, _| true);
    assert_eq!(todo.were_done, 1);
    assert_eq!(todo.rows.len(), 1);
    assert_eq!(todo.stale.len(), 2, "{:?}", todo.stale);
    assert!(
        todo.stale[0].contains("busy is in use now"),
        "{:?}",
        todo.stale
    );
    assert!(
        todo.stale[1].contains("gone is not there"),
        "{:?}",
        todo.stale
    );
}

/// It was made the endpoint's meanwhile, and was to become the backend's own.
#[test]
fn what_has_become_something_else_is_not_done() {
    let mut plan = planned(&["as", "other"]);
    for (name, driver) in [("as", "d"), ("other", "d.flex2csi.io")] {
        let key = ("PersistentVolume".to_owned(), name.to_owned());
        plan.get_mut(&key).unwrap().to = Some(To {
            driver: driver.into(),
            handle: "h".into(),
            digest: "00".into(),
        });
    }
    let records = ["as", "other"].map(|name| known(name, Direction::Forward, true));
    let todo = compare(&plan, Vec::new(), &records, false, |_, _| true);
    assert_eq!(todo.were_done, 1);
    assert_eq!(
        todo.stale,
        [
            "PersistentVolume other has become d's, not d.flex2csi.io's as was planned; plan again, with \
          --via-endpoint or without it, as it is meant"
        ]
    );
}

#[test]
fn another_share_is_left_to_others() {
    let plan = planned(&["a", "b"]);
    let now = vec![Row::of_volume("a", VerdictKind::Ready)];
    let todo = compare(&plan, now, &[], false, |_, name| name == "a");
    assert_eq!(todo.rows.len(), 1);
    assert!(todo.stale.is_empty(), "{:?}", todo.stale);
}

/// Attaching and detaching change a volume, and are no matter to what it becomes.
#[test]
fn what_is_in_use_is_waited_for_if_that_is_asked_for() {
    let mut plan = planned(&["busy", "idle", "other"]);
    for name in ["busy", "idle", "other"] {
        let key = ("PersistentVolume".to_owned(), name.to_owned());
        let row = plan.get_mut(&key).unwrap();
        row.verdict = VerdictKind::InUse;
        row.options.keep_delete = Some(true);
    }
    let rows = || {
        let mut busy = Row::of_volume("busy", VerdictKind::InUse);
        busy.object.resource_version = "8".into();
        let mut idle = Row::of_volume("idle", VerdictKind::Ready);
        idle.object.resource_version = "9".into();
        let mut other = Row::of_volume("other", VerdictKind::InUse);
        other.object.uid = "another".into();
        vec![busy, idle, other]
    };
    let todo = compare(&plan, rows(), &[], true, |_, _| true);
    let versions: Vec<&str> = todo
        .rows
        .iter()
        .map(|row| row.object.resource_version.as_str())
        .collect();
    assert_eq!(versions, ["8", "9"]);
    assert!(
        todo.rows
            .iter()
            .all(|row| row.options.keep_delete == Some(true))
    );
    assert!(
        todo.stale[0].contains("other is not there"),
        "{:?}",
        todo.stale
    );
}
