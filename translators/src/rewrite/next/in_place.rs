//! The object is in the form that it is to be in.

use serde_json::json;

use super::claim;
use super::pins::{When, release};
use super::replace::patch;
use crate::rewrite::action::{Action, Awaited, Change};
use crate::rewrite::names::{MIGRATION, POLICY, RETAIN, REWRITING};
use crate::rewrite::record::{Direction, Record, Status, Step};
use crate::rewrite::task::{InUse, ObjectKind};
use crate::rewrite::view::View;
use crate::rewrite::world::{Use, World};

pub(super) fn next(record: &Record, world: &World, goal: Direction, object: View<'_>) -> Action {
    let status = &record.status;
    let is_settled = is_unmarked(object);
    let is_recorded = status.step == Step::Done
        && status.direction == goal
        && status.uid.as_deref() == Some(object.uid());
    if is_settled && is_recorded && !status.policy_is_due {
        return release(record, world, when(goal)).unwrap_or(Action::Done);
    }
    if !is_settled && record.spec.kind == ObjectKind::PersistentVolume {
        if let Some(action) = claim::is_the_same(record, world) {
            return release(record, world, when(goal)).unwrap_or(action);
        }
        if let Some(action) = is_taken(record, world, goal, object) {
            return action;
        }
        if let Some(action) = claim::annotate(record, world, goal) {
            return action;
        }
        if let Some(action) = release(record, world, when(goal)) {
            return action;
        }
    }
    if !is_settled && may_stay_retained(record, goal, object) {
        match &world.used {
            None => return Action::AskUse,
            Some(Use::Idle) => {}
            Some(_) if is_recorded && status.policy_is_due => return Action::Done,
            Some(_) => return done(record, goal, object, true),
        }
    }
    if !is_settled {
        // Only here can a volume become one whose storage is deleted with its claim.
        if object.policy_meant() != RETAIN
            && let Some(action) = claim::is_to_stay(record, world)
        {
            return action;
        }
        return settle(record, object);
    }
    done(record, goal, object, false)
}

/// Whether the object bears no mark of something under way.
pub(super) fn is_settled(world: &World) -> bool {
    let object = world.object.as_ref();
    object.is_some_and(|object| is_unmarked(View(object)))
}

fn is_unmarked(object: View<'_>) -> bool {
    object.annotation(POLICY).is_none() && object.annotation(REWRITING).is_none()
}

fn done(record: &Record, goal: Direction, object: View<'_>, policy_is_due: bool) -> Action {
    Action::Journal(Box::new(Status {
        id: record.spec.id.clone(),
        direction: goal,
        step: Step::Done,
        uid: Some(object.uid().to_owned()),
        policy_is_due,
        ..Status::default()
    }))
}

/// One that was just written has to be bound.
fn is_taken(record: &Record, world: &World, goal: Direction, object: View<'_>) -> Option<Action> {
    if object.annotation(MIGRATION) != Some(&record.spec.id) {
        return None;
    }
    match &record.spec.claim {
        Some(_) => claim::bind(record, world, object, Some(goal)),
        None => matches!(object.phase(), "" | "Pending").then_some(Action::Wait(Awaited::Volume)),
    }
}

/// When pins may go.
fn when(goal: Direction) -> When {
    match goal {
        Direction::Forward => When::Swapped,
        Direction::Back => When::Back,
    }
}

/// The node daemon's attachment names no volume, so nobody would wait for it before the
/// storage is deleted. Once the pods are gone, going on settles the policy.
fn may_stay_retained(record: &Record, goal: Direction, object: View<'_>) -> bool {
    matches!(record.spec.in_use, InUse::Shim { attach: true, .. })
        && goal == Direction::Forward
        && object.policy_meant() != RETAIN
}

fn settle(record: &Record, object: View<'_>) -> Action {
    let spec = (record.spec.kind == ObjectKind::PersistentVolume)
        .then(|| json!({"persistentVolumeReclaimPolicy": object.policy_meant()}));
    let annotations = json!({POLICY: null, REWRITING: null});
    patch(
        Change::Settle,
        object,
        json!({"annotations": annotations}),
        spec,
    )
}
