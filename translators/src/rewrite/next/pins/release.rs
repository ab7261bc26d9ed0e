//! Removing pins: when nothing hangs on them any more.

use super::seen;
use crate::rewrite::action::{Action, Awaited, StopCode};
use crate::rewrite::next::stop::stop;
use crate::rewrite::pins::{Pin, PinCall, PinPart};
use crate::rewrite::record::Record;
use crate::rewrite::view::View;
use crate::rewrite::world::{Use, World};

/// When pins are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite::next) enum When {
    /// Nobody uses the volume but they.
    Idle,
    /// The volume is in CSI form.
    Swapped,
    /// The volume is in legacy form, and is to stay.
    Back,
}

/// What is to be done before no pin is left.
pub(in crate::rewrite::next) fn release(
    record: &Record,
    world: &World,
    when: When,
) -> Option<Action> {
    let pins = match seen(record, world)? {
        Ok(pins) => pins,
        Err(action) => return Some(action),
    };
    let mut waits = None;
    for pin in pins.iter().filter(|pin| pin.is_there()) {
        match release_one(record, world, when, pin) {
            None => {}
            Some(wait @ Action::Wait(_)) => waits = Some(wait),
            action => return action,
        }
    }
    waits
}

/// Stops for good, which nobody goes on from: first the pins go, unless pods would lose
/// the volume with them.
pub(in crate::rewrite::next) fn leave(record: &Record, world: &World, stop: Action) -> Action {
    match release(record, world, When::Back) {
        None | Some(Action::Stop(_)) => stop,
        Some(action) => action,
    }
}

fn release_one(record: &Record, world: &World, when: When, pin: &Pin) -> Option<Action> {
    let wait = |what| Some(Action::Wait(what));
    if let Some(pod) = pin.pod.as_ref().map(View) {
        if pod.is_ending() {
            return wait(Awaited::Unpinned);
        }
        if pin.is_armed()
            && let Some(action) = is_free(record, world, when, pin)
        {
            return Some(action);
        }
        return end_pod(record, pin, pod, Awaited::Unpinned);
    }
    if let Some(claim) = pin.claim.as_ref().map(View) {
        // Whoever looks for who uses the volume next is not to find the pin's last traces.
        let (driver, handle) = record.csi();
        let has_traces = pin.is_in_use(&record.unique_name()) || pin.is_listed(driver, handle);
        if claim.is_ending() || (when != When::Swapped && has_traces && pin.node_object.is_some()) {
            return wait(Awaited::Unpinned);
        }
        return delete(record, pin, PinPart::Claim, claim);
    }
    let volume = pin.volume.as_ref().map(View)?;
    match volume.is_ending() {
        true => wait(Awaited::Unpinned),
        false => delete(record, pin, PinPart::Volume, volume),
    }
}

/// What goes before the pod of a pin whose claim was not seen: another's creation of that may
/// be on its way. Without the volume there is nothing that the attach/detach controller could
/// take over for the pod before it ends.
fn disarm(record: &Record, pin: &Pin, awaited: Awaited) -> Option<Action> {
    let volume = pin.volume.as_ref().map(View).filter(|_| !pin.is_armed())?;
    match volume.is_ending() {
        true => Some(Action::Wait(awaited)),
        false => delete(record, pin, PinPart::Volume, volume),
    }
}

/// Ends the pod of a pin, when there is nothing more to go before it.
pub(super) fn end_pod(
    record: &Record,
    pin: &Pin,
    pod: View<'_>,
    awaited: Awaited,
) -> Option<Action> {
    disarm(record, pin, awaited).or_else(|| delete(record, pin, PinPart::Pod, pod))
}

/// Whether the pin's pod may end: with it ends what keeps the volume attached, unless
/// kubelet has the volume for others.
fn is_free(record: &Record, world: &World, when: When, pin: &Pin) -> Option<Action> {
    match when {
        // With the node everything on it is gone.
        _ if pin.node_object.is_none() => None,
        When::Idle => None,
        When::Swapped => {
            let (driver, handle) = record.csi();
            (pin.untaken(driver, handle) != Some(0)).then_some(Action::Wait(Awaited::Kubelet))
        }
        When::Back => match &world.used {
            None => Some(Action::AskUse),
            Some(Use::Idle) => None,
            Some(_) => {
                let what = format!(
                    "is pinned to node {} under pods that use it; without the pin it would be \
                     detached from under them",
                    pin.node
                );
                let remedy = "go on with `flex2csi rewrite`, or stop its pods first";
                Some(stop(record, StopCode::Pinned, &what, remedy))
            }
        },
    }
}

pub(super) fn delete(record: &Record, pin: &Pin, part: PinPart, seen: View<'_>) -> Option<Action> {
    Some(Action::Pin(PinCall::Delete {
        part,
        name: record.pin_name(&pin.node),
        uid: seen.uid().to_owned(),
        version: seen.version().to_owned(),
    }))
}

/// What of pins is to be deleted when the rewrite stops before it got anywhere: those
/// that nothing hangs on yet. What ends by itself is not waited for, unless something else is to
/// go after it.
pub fn abandon(record: &Record, world: &World) -> Option<Action> {
    let pins = match seen(record, world)? {
        Ok(pins) => pins,
        // Others' are not touched.
        Err(action) => return (action == Action::AskPins).then_some(action),
    };
    let unarmed = pins.iter().filter(|pin| !pin.is_armed());
    unarmed.into_iter().find_map(|pin| {
        let pod = pin.pod.as_ref().map(View).filter(|pod| !pod.is_ending());
        match pod {
            Some(pod) => end_pod(record, pin, pod, Awaited::Unpinned),
            None => disarm(record, pin, Awaited::Unpinned)
                .filter(|action| !matches!(action, Action::Wait(_))),
        }
    })
}
