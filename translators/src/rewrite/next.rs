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

use super::action::Action;
use super::names::{FORM, MIGRATION};
use super::record::{Direction, Record, Step};
use super::view::View;
use super::world::World;

/// The next thing to do to bring the object into the form that `goal` leads to.
pub fn next(record: &Record, world: &World, goal: Direction) -> Action {
    let Some(object) = &world.object else {
        return vacant::next(record, world, goal);
    };
    let object = View(object);
    let Some(form) = form_of(record, object) else {
        return pins::leave(record, world, stop::foreign(record, object));
    };
    if object.is_ending() {
        replace::ending(record, world, goal, object)
    } else if replace::is_marked_by_another(record, object) {
        // Their delete may be on its way still. From here on it is refused, whatever
        // becomes of this.
        replace::mark(record, object)
    } else if form == goal {
        in_place::next(record, world, goal, object)
    } else {
        replace::live(record, world, goal, object)
    }
}

/// Which of the record's forms an object is in: it is the original itself, or was
/// written by this rewrite.
fn form_of(record: &Record, object: View<'_>) -> Option<Direction> {
    let status = &record.status;
    if object.uid() == record.spec.uid {
        return Some(Direction::Back);
    }
    if status.step == Step::Done && status.uid.as_deref() == Some(object.uid()) {
        return Some(status.direction);
    }
    if object.annotation(MIGRATION) != Some(&record.spec.id) {
        return None;
    }
    let form = object.annotation(FORM)?;
    [Direction::Forward, Direction::Back]
        .into_iter()
        .find(|direction| direction.form() == form)
}
