//! Pins: made before a volume is swapped under its pods, removed after.

mod hold;
mod release;

pub(super) use hold::hold;
pub use release::abandon;
pub(super) use release::{When, leave, release};

use super::stop::stop;
use crate::rewrite::action::{Action, StopCode};
use crate::rewrite::names::MIGRATION;
use crate::rewrite::pins::Pin;
use crate::rewrite::record::Record;
use crate::rewrite::world::World;

/// The pins as they are seen, or what is to be done first. `None`: this rewrite has
/// none.
pub(super) fn seen<'w>(record: &Record, world: &'w World) -> Option<Result<&'w [Pin], Action>> {
    record.pinned()?;
    let Some(pins) = &world.pins else {
        return Some(Err(Action::AskPins));
    };
    let foreign = pins.iter().find(|pin| {
        pin.parts().any(|part| {
            part.text(&format!(
                "/metadata/labels/{}",
                MIGRATION.replace('/', "~1")
            )) != record.spec.id
        })
    });
    Some(match foreign {
        None => Ok(pins),
        Some(pin) => {
            let what = format!(
                "would be pinned to node {}, and somebody else has made {}",
                pin.node,
                record.pin_name(&pin.node)
            );
            let remedy = "find out who did, and delete that if nobody needs it";
            Err(stop(record, StopCode::Foreign, &what, remedy))
        }
    })
}

/// Whether the attach/detach controller may have taken an attachment over: there is no
/// way back under running pods then.
pub fn is_armed(world: &World) -> bool {
    let pins = world.pins.iter().flatten();
    pins.into_iter().any(Pin::is_armed)
}
