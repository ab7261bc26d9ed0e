//! Nothing has the name.

use super::claim;
use super::pins::{When, leave, release};
use super::stop::{self, stop};
use crate::rewrite::action::{Action, StopCode};
use crate::rewrite::record::{Direction, Record, Step};
use crate::rewrite::world::World;

pub(super) fn next(record: &Record, world: &World, goal: Direction) -> Action {
    let status = &record.status;
    let body = match (status.step, record.body()) {
        (Step::Committed, Some(body)) => body,
        (Step::Done, _) if !claim::is_left(record, world) => {
            return stop(
                record,
                StopCode::Gone,
                "was deleted since it was done, and so was its claim if it had one",
                "nothing to do; its VolumeMigration may be deleted as well",
            );
        }
        _ => {
            let vanished = stop(
                record,
                StopCode::Vanished,
                "is not there, and was not deleted by this rewrite",
                format!("find out who deleted it; {}", stop::BY_HAND),
            );
            return leave(record, world, vanished);
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
