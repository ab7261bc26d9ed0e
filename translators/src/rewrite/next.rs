//! The protocol: from what is recorded and what is seen to the one next thing.
//!
//! Nothing is remembered from one step to the next but the record, so any process
//! on any machine can go on from any point, in either direction.

mod claim;
mod in_place;
mod pins;
mod replace;
mod stop;
mod vacant;

pub use pins::{abandon, is_armed};

use serde_json::Value;

use super::action::{Action, Change, Look};
use super::names::RETAIN;
use super::record::{Direction, Form, Record, Step};
use super::view::View;
use super::world::World;

/// The next thing to do to bring the object into the form that `goal` leads to.
pub fn next(record: &Record, world: &World, goal: Direction) -> Action {
    let action = decide(record, world, goal);
    let seen = world.glimpsed;
    let is_glimpsed = match needed(record, world, &action) {
        Needed::Nothing => false,
        Needed::Object => seen.object,
        Needed::Claim if seen.claim => return Action::Look(Look::Claim),
        Needed::Claim => false,
        Needed::All => seen.object || seen.claim,
    };
    if is_glimpsed {
        return Action::Look(Look::All);
    }
    action
}

/// What an action hangs on that is not to be gone by as a watch told it.
enum Needed {
    Nothing,
    Object,
    Claim,
    All,
}

/// What has to be seen as it is, not as it was a moment ago. All else is safe on an old
/// view: a write names the resourceVersion of what it changes or deletes and is refused if
/// that is another by now, and a creation is if the name is taken. (Who creates looks
/// for the claim right before, whatever was seen.)
fn needed(record: &Record, world: &World, action: &Action) -> Needed {
    match action {
        // It may be no reason any more.
        Action::Stop(_) => Needed::All,
        // The server checks the record's version, and not the object's. What commits to
        // a deletion is no danger while nothing was deleted: that has the version.
        Action::Journal(status)
            if (record.status.step, status.step) == (Step::Recorded, Step::Committed) =>
        {
            Needed::Nothing
        }
        // Once its marks are off, it is done whatever its claim is like.
        Action::Journal(status) if status.step == Step::Done && in_place::is_settled(world) => {
            Needed::Object
        }
        Action::Done if in_place::is_settled(world) => Needed::Object,
        Action::Journal(_) | Action::Done => Needed::All,
        // What the claim is told to be hangs on the form of the volume.
        Action::PatchClaim(_) if is_older(&world.claim, &world.object) => Needed::Nothing,
        Action::PatchClaim(_) => Needed::All,
        // From here on the storage goes with the claim, about which the volume's
        // version says nothing.
        Action::Patch(Change::Settle, patch) => {
            let policy = patch["spec"]["persistentVolumeReclaimPolicy"].as_str();
            match policy.is_some_and(|policy| policy != RETAIN) {
                true => Needed::Claim,
                false => Needed::Nothing,
            }
        }
        _ => Needed::Nothing,
    }
}

/// Whether an object is as it was before another one came to be as it is. A swap by
/// somebody else that the volume does not show was later then, and has changed the claim.
/// (Versions of all kinds count the same changes of one etcd.)
fn is_older(one: &Option<Value>, than: &Option<Value>) -> bool {
    let version = |object: &Option<Value>| View(object.as_ref()?).version().parse::<u64>().ok();
    version(one)
        .zip(version(than))
        .is_some_and(|(one, than)| one < than)
}

fn decide(record: &Record, world: &World, goal: Direction) -> Action {
    let Some(object) = &world.object else {
        return vacant::next(record, world, goal);
    };
    let object = View(object);
    let Some(form) = record.form_of(object) else {
        return pins::leave(record, world, stop::foreign(record, object));
    };
    if object.is_ending() {
        replace::ending(record, world, goal, object)
    } else if replace::is_marked_by_another(record, object) {
        // Their delete may be on its way still. From here on it is refused, whatever
        // becomes of this.
        replace::mark(record, object)
    } else if form == Form::Of(goal) {
        in_place::next(record, world, goal, object)
    } else {
        replace::live(record, world, goal, object)
    }
}
