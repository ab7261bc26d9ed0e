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
use super::record::{Direction, Form, Record};
use super::view::View;
use super::world::World;

/// The next thing to do to bring the object into the form that `goal` leads to.
pub fn next(record: &Record, world: &World, goal: Direction) -> Action {
    let Some(object) = &world.object else {
        return vacant::next(record, world, goal);
    };
    let object = View(object);
    let Some(form) = record.form_of(object) else {
        return stop::foreign(record, object);
    };
    if object.is_ending() {
        replace::ending(record, goal, object)
    } else if form == Form::Of(goal) {
        in_place::next(record, world, goal, object)
    } else {
        replace::live(record, world, goal, object)
    }
}
