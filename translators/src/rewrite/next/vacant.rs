//! Nothing has the name.

use super::claim;
use super::pins::{When, release};
use super::stop::{self, stop};
use crate::rewrite::action::{Action, StopCode};
use crate::rewrite::record::{Direction, Record, Step};
use crate::rewrite::world::World;

pub(super) fn next(record: &Record, world: &World, goal: Direction) -> Action {
    let status = &record.status;
    let body = match (status.step, record.body()) {
        (Step::Committed, Some(body)) => body,
        _ => {
            return stop(
                record,
                StopCode::Vanished,
                "is not there, and was not deleted by this rewrite",
                format!("find out who deleted it; {}", stop::BY_HAND),
            );
        }
    };
    if status.direction != goal {
        return super::replace::commit(record, goal, &body, None);
    }
    // A volume of a claim that is gone would be nobody's.
    if let Some(action) = claim::is_the_same(record, world) {
        return release(record, world, When::Swapped).unwrap_or(action);
    }
    Action::Create(body)
}
