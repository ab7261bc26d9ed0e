//! Before the swap: kubelet has the volume through CSI on each node.

use super::release::{delete, end_pod};
use super::seen;
use crate::rewrite::action::{Action, Awaited, StopCode};
use crate::rewrite::names::{PIN_ATTACHMENT, PIN_HOLDER, PIN_IMAGE};
use crate::rewrite::next::stop::stop;
use crate::rewrite::pins::{Pin, PinCall, PinPart, PinSettings};
use crate::rewrite::record::Record;
use crate::rewrite::view::View;
use crate::rewrite::world::World;

/// What is to be done before the volume is held on each of these nodes, where the
/// node daemons have it mounted.
pub(in crate::rewrite::next) fn hold(
    record: &Record,
    world: &World,
    nodes: &[String],
) -> Option<Action> {
    let (settings, _) = record.pinned()?;
    let pins = match seen(record, world)? {
        Ok(pins) => pins,
        Err(action) => return Some(action),
    };
    let mut waits = None;
    for node in nodes {
        let Some(pin) = pins.iter().find(|pin| pin.node == *node) else {
            let what = format!("is mounted on node {node}, which it was not when it was planned");
            let remedy = "roll it back, then plan again";
            return Some(stop(record, StopCode::InUse, &what, remedy));
        };
        match hold_one(record, settings, pin) {
            None => {}
            Some(wait @ Action::Wait(_)) => waits = Some(wait),
            action => return action,
        }
    }
    waits
}

fn hold_one(record: &Record, settings: &PinSettings, pin: &Pin) -> Option<Action> {
    let wait = Some(Action::Wait(Awaited::Pin));
    let create = |part, body| Some(Action::Pin(PinCall::Create(part, body)));
    let attachment = match attachment(record, pin) {
        Ok(uid) => uid,
        Err(action) => return Some(action),
    };
    let Some(pod) = pin.pod.as_ref().map(View) else {
        return create(PinPart::Pod, record.pin_pod(settings, &pin.node));
    };
    if pod.is_ending() {
        return wait;
    }
    // Told anew how pins are made. One that something hangs on must not end.
    let is_other = pod
        .annotation(PIN_IMAGE)
        .is_some_and(|image| image != settings.image);
    if is_other && !pin.is_armed() {
        return end_pod(record, pin, pod, Awaited::Pin);
    }
    // Another holder may have its deletion on the way.
    if pod.annotation(PIN_HOLDER) != Some(&record.spec.holder) {
        return Some(Action::Pin(PinCall::Patch {
            name: record.pin_name(&pin.node),
            patch: record.pin_holder(pod),
        }));
    }
    let runs = pod.phase() == "Running" && is_ready(pod);
    if is_other && !runs && pin.is_armed() && pod.phase() == "Pending" {
        return Some(Action::Pin(PinCall::Patch {
            name: record.pin_name(&pin.node),
            patch: record.pin_image(settings, pod),
        }));
    }
    if matches!(pod.phase(), "Failed" | "Succeeded") {
        return ended(record, pin, pod);
    }
    // Kubelet has taken it up: from here on it ends only if somebody ends it.
    if pod.text("/status/startTime").is_empty() {
        return wait;
    }
    let Some(volume) = pin.volume.as_ref().map(View) else {
        return create(
            PinPart::Volume,
            record.pin_volume(settings, &pin.node, attachment),
        );
    };
    if volume.is_ending() {
        return wait;
    }
    let Some(claim) = pin.claim.as_ref().map(View) else {
        return create(
            PinPart::Claim,
            record.pin_claim(settings, &pin.node, volume),
        );
    };
    if claim.is_ending() || !runs || !pin.is_in_use(&record.unique_name()) {
        return wait;
    }
    None
}

/// The uid of the node daemon's attachment, which has to be there all the time.
fn attachment<'p>(record: &Record, pin: &'p Pin) -> Result<&'p str, Action> {
    let node = &pin.node;
    let there = pin.attachment.as_ref().filter(|attachment| {
        attachment["status"]["attached"] == true && !View(attachment).is_ending()
    });
    let Some(there) = there else {
        let what = format!(
            "is mounted on node {node} by flex2csi, but there is no VolumeAttachment that attaches \
             it there"
        );
        let remedy = "see what the node daemon and the driver's attacher say, then try again";
        return Err(stop(record, StopCode::NotAttached, &what, remedy));
    };
    let uid = View(there).uid();
    let known = pin.volume.as_ref().map(View);
    let known = known.and_then(|volume| volume.annotation(PIN_ATTACHMENT));
    if known.is_some_and(|known| known != uid) {
        let what = format!(
            "was attached to node {node} anew while it was pinned there (VolumeAttachment {})",
            View(there).text("/metadata/name")
        );
        let remedy = "see whether its pods can still write, and stop them; then try again";
        return Err(stop(record, StopCode::NotAttached, &what, remedy));
    }
    Ok(uid)
}

/// Kubelet did not take the pod, or put it out. Where nothing hangs on it that is told,
/// else there has to be another one, and soon.
fn ended(record: &Record, pin: &Pin, pod: View<'_>) -> Option<Action> {
    if pin.is_armed() {
        return delete(record, pin, PinPart::Pod, pod);
    }
    let (reason, message) = (pod.text("/status/reason"), pod.text("/status/message"));
    let what = format!(
        "cannot be pinned: the kubelet of node {} does not run the pin pod ({reason}: {message})",
        pin.node
    );
    let remedy = "make room for one more pod there, or wait until the volume is idle";
    Some(stop(record, StopCode::NotPinned, &what, remedy))
}

fn is_ready(pod: View<'_>) -> bool {
    let conditions = pod.0["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
