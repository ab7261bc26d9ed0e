//! The object is in the form that it is not to be in.

use serde_json::{Value, json};

use super::claim;
use super::pins::{When, hold, is_armed, leave, release};
use super::stop::stop;
use crate::rewrite::action::{Action, Awaited, Change, StopCode};
use crate::rewrite::body::compose;
use crate::rewrite::names::{ORPHAN, POLICY, RETAIN, REWRITING, is_deleter, is_removable};
use crate::rewrite::record::{Direction, Record, Status, Step};
use crate::rewrite::task::{InUse, ObjectKind};
use crate::rewrite::view::View;
use crate::rewrite::world::{Use, World};

/// It is there, and is to go.
pub(super) fn live(record: &Record, world: &World, goal: Direction, object: View<'_>) -> Action {
    let status = &record.status;
    let recorded = status.direction == goal
        && status.step != Step::Done
        && status.replaces.as_deref() == Some(object.uid());
    if let Some(action) = is_fit(record, world, object) {
        return action;
    }
    if !(recorded && is_marked(record, object)) {
        if let Some(action) = is_idle(record, world, goal) {
            return action;
        }
        // Another direction only once there is nothing in its way: what is stopped before
        // is as it was.
        if !recorded {
            return Action::Journal(Box::new(Status {
                id: record.spec.id.clone(),
                direction: goal,
                step: Step::Recorded,
                replaces: Some(object.uid().to_owned()),
                ..Status::default()
            }));
        }
        return mark(record, object);
    }
    if object.finalizers().any(is_deleter) {
        return Action::Wait(Awaited::Deleter);
    }
    let body = compose(record, goal, object.0);
    if world.accepted.as_ref() != Some(&body) {
        return Action::Try(body);
    }
    // Once more, and last: all before may have taken its time.
    if let Some(action) = is_idle(record, world, goal) {
        return action;
    }
    if let Some(action) = is_pinned(record, world) {
        return action;
    }
    let committed = status.step == Step::Committed
        && status.resource_version.as_deref() == Some(object.version())
        && record.body().as_ref() == Some(&body);
    if !committed {
        return journal(record, goal, &body, object);
    }
    Action::Delete {
        uid: object.uid().to_owned(),
        version: object.version().to_owned(),
    }
}

/// It was deleted. If by us, then it is to go at once, and the recorded body comes.
pub(super) fn ending(record: &Record, world: &World, goal: Direction, object: View<'_>) -> Action {
    let status = &record.status;
    let body = record.body();
    let ours = status.step == Step::Committed && status.replaces.as_deref() == Some(object.uid());
    let (true, Some(body)) = (ours, body) else {
        let by_other = stop(
            record,
            StopCode::DeletedByOther,
            "is being deleted, and not by this rewrite",
            "find out by whom; it stays until its claim is gone, and its storage with it only \
             if its policy is Delete",
        );
        return leave(record, world, by_other);
    };
    if status.direction != goal {
        return commit(record, goal, &body, Some(object));
    }
    if record.spec.kind == ObjectKind::PersistentVolume && object.policy() != RETAIN {
        return mark(record, object);
    }
    if object.finalizers().any(is_deleter) {
        return Action::Wait(Awaited::Deleter);
    }
    if let Some(action) = no_foreign_finalizer(record, object) {
        return action;
    }
    // Who takes theirs off first would have the garbage collector refused, who then looks
    // and tries again: the volume would go later for it.
    if object.finalizers().any(|finalizer| finalizer == ORPHAN) {
        return Action::Wait(Awaited::Gone);
    }
    if object.finalizers().any(is_removable) {
        let rest: Vec<&str> = object.finalizers().filter(|f| !is_removable(f)).collect();
        return patch(Change::Release, object, json!({"finalizers": rest}), None);
    }
    Action::Wait(Awaited::Gone)
}

/// Records the other direction of something whose point of no return is past: what
/// was to come is turned into the other form.
pub(super) fn commit(
    record: &Record,
    goal: Direction,
    recorded: &Value,
    object: Option<View<'_>>,
) -> Action {
    let body = compose(record, goal, recorded);
    let mut status = committed(record, goal, &body);
    status.replaces = record.status.replaces.clone();
    status.resource_version = match object {
        Some(object) => Some(object.version().to_owned()),
        None => record.status.resource_version.clone(),
    };
    Action::Journal(Box::new(status))
}

fn journal(record: &Record, goal: Direction, body: &Value, object: View<'_>) -> Action {
    let mut status = committed(record, goal, body);
    status.replaces = Some(object.uid().to_owned());
    status.resource_version = Some(object.version().to_owned());
    Action::Journal(Box::new(status))
}

fn committed(record: &Record, goal: Direction, body: &Value) -> Status {
    Status {
        id: record.spec.id.clone(),
        direction: goal,
        step: Step::Committed,
        body: Some(body.to_string()),
        ..Status::default()
    }
}

fn is_fit(record: &Record, world: &World, object: View<'_>) -> Option<Action> {
    if let Some(action) = no_foreign_finalizer(record, object) {
        return Some(action);
    }
    if record.spec.kind != ObjectKind::PersistentVolume {
        return None;
    }
    claim::is_the_same(record, world)
        .or_else(|| claim::is_to_stay(record, world))
        .or_else(|| claim::is_bound(record, world, object))
        .or_else(|| claim::is_quiet(record, world))
}

fn no_foreign_finalizer(record: &Record, object: View<'_>) -> Option<Action> {
    let foreign: Vec<&str> = object
        .finalizers()
        .filter(|finalizer| {
            let of_deletion = *finalizer == ORPHAN && object.is_ending();
            !(is_deleter(finalizer) || is_removable(finalizer) || of_deletion)
        })
        .collect();
    (!foreign.is_empty()).then(|| {
        let what = format!("has finalizers of others: {}", foreign.join(", "));
        let remedy = "let their owner take them off, or take them off yourself if it is gone";
        stop(record, StopCode::ForeignFinalizer, &what, remedy)
    })
}

fn is_idle(record: &Record, world: &World, goal: Direction) -> Option<Action> {
    // What is stored is what the cluster's own translation gives all the time: to
    // those who use it nothing changes, there and back.
    if record.spec.in_use == InUse::RuntimeEqual {
        return None;
    }
    let is_forward = goal == Direction::Forward;
    if record.pinned().is_some() {
        if world.pins.is_none() {
            return Some(Action::AskPins);
        }
        // What is left from the way there.
        if !is_forward && let Some(action) = release(record, world, When::Swapped) {
            return Some(action);
        }
    }
    let under_shim = is_forward && matches!(record.spec.in_use, InUse::Shim { .. });
    match &world.used {
        None => Some(Action::AskUse),
        Some(Use::Idle) => None,
        Some(Use::ByCsi { .. }) if under_shim => needs_pins(record),
        // Those that pins stand beside: they end, or are served as the others are.
        Some(_) if under_shim && is_armed(world) => Some(Action::Wait(Awaited::Rest)),
        Some(Use::ByCsi { .. }) => Some(used(record, "pods through CSI")),
        Some(Use::By(who)) => Some(used(record, who)),
        Some(Use::Unknown(why)) => {
            let what = format!("may be in use: {why}");
            let remedy = "let every node report, or take those out of service that cannot; where \
                          nothing tells, look at the nodes and give --without-node-evidence";
            Some(stop(record, StopCode::UseUnknown, &what, remedy))
        }
    }
}

/// Nothing is swapped under pods without pins that needs some.
fn needs_pins(record: &Record) -> Option<Action> {
    let attaches = matches!(record.spec.in_use, InUse::Shim { attach: true, .. });
    (attaches && record.pinned().is_none()).then(|| {
        let what = "is recorded without what pins are made of";
        let remedy = "roll it back, then plan again";
        stop(record, StopCode::NotPinned, what, remedy)
    })
}

/// Under pods, kubelet has to hold the volume through CSI on their nodes before it is
/// swapped; without pods, nothing of ours may hold it.
fn is_pinned(record: &Record, world: &World) -> Option<Action> {
    record.pinned()?;
    match &world.used {
        Some(Use::ByCsi { nodes }) => hold(record, world, nodes),
        _ => release(record, world, When::Idle),
    }
}

fn used(record: &Record, who: &str) -> Action {
    let what = format!("is in use: {who}");
    stop(
        record,
        StopCode::InUse,
        &what,
        "wait until it is idle, then try again",
    )
}

fn is_marked(record: &Record, object: View<'_>) -> bool {
    let marked = object.annotation(REWRITING) == Some(&mark_of(record));
    match record.spec.kind {
        ObjectKind::StorageClass => marked,
        ObjectKind::PersistentVolume => {
            marked && object.policy() == RETAIN && object.annotation(POLICY).is_some()
        }
    }
}

/// Whether who worked on it last was not the one who holds the record now.
pub(super) fn is_marked_by_another(record: &Record, object: View<'_>) -> bool {
    let mark = object.annotation(REWRITING);
    mark.is_some_and(|mark| mark != mark_of(record))
}

fn mark_of(record: &Record) -> String {
    format!("{}/{}", record.spec.id, record.spec.holder)
}

pub(super) fn mark(record: &Record, object: View<'_>) -> Action {
    let mut annotations = json!({REWRITING: mark_of(record)});
    let mut spec = None;
    if record.spec.kind == ObjectKind::PersistentVolume {
        annotations[POLICY] = object.policy_meant().into();
        spec = Some(json!({"persistentVolumeReclaimPolicy": RETAIN}));
    }
    patch(
        Change::Mark,
        object,
        json!({"annotations": annotations}),
        spec,
    )
}

/// A merge patch that the server refuses if the object is not as it was seen.
pub(super) fn patch(
    change: Change,
    object: View<'_>,
    mut metadata: Value,
    spec: Option<Value>,
) -> Action {
    metadata["uid"] = object.uid().into();
    metadata["resourceVersion"] = object.version().into();
    let mut body = json!({"metadata": metadata});
    if let Some(spec) = spec {
        body["spec"] = spec;
    }
    Action::Patch(change, body)
}
