//! What the claim has to be like.

use serde_json::{Map, Value, json};

use super::stop::{self, stop};
use crate::rewrite::action::{Action, Awaited, StopCode};
use crate::rewrite::names::{MIGRATION, VOLUME_UID};
use crate::rewrite::record::{Direction, Record};
use crate::rewrite::task::ClaimId;
use crate::rewrite::view::View;
use crate::rewrite::world::World;

const BOUND: &str = "Bound";

/// Stops unless the claim is the recorded one.
pub(super) fn is_the_same(record: &Record, world: &World) -> Option<Action> {
    let id = record.spec.claim.as_ref()?;
    let Some(claim) = &world.claim else {
        let what = format!("has lost its claim {}: it was deleted", named(id));
        return Some(stop(record, StopCode::ClaimGone, &what, kept()));
    };
    if View(claim).uid() != id.uid {
        let what = format!(
            "has lost its claim {}: it was deleted and made anew (uid {}, was {})",
            named(id),
            View(claim).uid(),
            id.uid
        );
        return Some(stop(record, StopCode::ClaimReplaced, &what, kept()));
    }
    None
}

fn kept() -> String {
    format!("decide whether the data is still needed; {}", stop::BY_HAND)
}

fn named(id: &ClaimId) -> String {
    format!("{}/{}", id.namespace, id.name)
}

/// Whether the recorded claim is there, and would miss its volume.
pub(super) fn is_left(record: &Record, world: &World) -> bool {
    let claim = world.claim.as_ref().map(|claim| View(claim).uid());
    let recorded = record.spec.claim.as_ref().map(|id| id.uid.as_str());
    recorded.is_some() && claim == recorded
}

/// Stops if the claim is being deleted.
pub(super) fn is_to_stay(record: &Record, world: &World) -> Option<Action> {
    let id = record.spec.claim.as_ref()?;
    let claim = View(world.claim.as_ref()?);
    claim.is_ending().then(|| {
        let what = format!("has a claim, {}, that is being deleted", named(id));
        let remedy = "nothing to do if that is meant; the volume is Retain until then";
        stop(record, StopCode::ClaimEnding, &what, remedy)
    })
}

/// Stops or waits unless volume and claim name each other and both say so.
pub(super) fn is_bound(record: &Record, world: &World, object: View<'_>) -> Option<Action> {
    let Some(id) = &record.spec.claim else {
        return is_free(record, object);
    };
    let claim = View(world.claim.as_ref()?);
    let of_object = object.text("/spec/claimRef/uid");
    let of_claim = claim.text("/spec/volumeName");
    if of_object != id.uid || of_claim != record.spec.name {
        let what = format!(
            "and its claim {} do not name each other (uid {of_object:?}, volumeName {of_claim:?})",
            named(id)
        );
        return Some(stop(record, StopCode::NotBound, &what, "plan anew"));
    }
    let (volume, claimed) = (object.phase(), claim.phase());
    if volume == BOUND && claimed == BOUND {
        return None;
    }
    if object.annotation(MIGRATION) == Some(&record.spec.id) {
        // Just written: the controller is at it.
        return bind(record, world, object, None);
    }
    let what = format!(
        "is {volume}, and its claim {} {claimed}, not both Bound",
        named(id)
    );
    let remedy = "bring volume and claim together first, then plan anew";
    Some(stop(record, StopCode::NotBound, &what, remedy))
}

/// A volume without a claim was not taken by one.
fn is_free(record: &Record, object: View<'_>) -> Option<Action> {
    let recorded = View(record.form(Direction::Back));
    let uid = "/spec/claimRef/uid";
    let taken = object.text(uid) != recorded.text(uid);
    match object.phase() {
        "Pending" | "" if !taken => Some(Action::Wait(Awaited::Volume)),
        "Available" if !taken => None,
        "Released" if !taken && object.policy_meant() == crate::rewrite::names::RETAIN => None,
        phase => {
            let what = if taken {
                "was bound to a claim since it was planned".to_owned()
            } else {
                format!("is {phase} (policy {})", object.policy_meant())
            };
            Some(stop(record, StopCode::NotBound, &what, "plan anew"))
        }
    }
}

/// Gets a claim and the volume that was just written bound, and waits for it.
pub(super) fn bind(
    record: &Record,
    world: &World,
    object: View<'_>,
    goal: Option<Direction>,
) -> Option<Action> {
    record.spec.claim.as_ref()?;
    let claim = View(world.claim.as_ref()?);
    // The controller overlooks a change of the claim that comes before it knows of the
    // volume. Once it has set the volume's phase it knows, and what it may still
    // write of the claim from before fails at the claim's new resourceVersion.
    if object.phase() != BOUND {
        return Some(Action::Wait(Awaited::Volume));
    }
    let seen = claim.annotation(VOLUME_UID).unwrap_or("");
    let current = seen.split('/').next() == Some(object.uid());
    if !current {
        return Some(poke(record, claim, goal, object.uid().to_owned()));
    }
    if claim.phase() == BOUND {
        return None;
    }
    if world.overlooked {
        let count = seen.split('/').nth(1).and_then(|n| n.parse::<u32>().ok());
        let count = count.unwrap_or(0).saturating_add(1);
        return Some(poke(
            record,
            claim,
            goal,
            format!("{}/{count}", object.uid()),
        ));
    }
    Some(Action::Wait(Awaited::Claim))
}

fn poke(record: &Record, claim: View<'_>, goal: Option<Direction>, value: String) -> Action {
    let changes = goal.map(|goal| changes(record, claim, goal));
    let mut annotations = changes.unwrap_or_default();
    annotations.insert(VOLUME_UID.into(), value.into());
    patch(claim, annotations)
}

/// Puts the annotations of the claim right that name who serves its volume.
pub(super) fn annotate(record: &Record, world: &World, goal: Direction) -> Option<Action> {
    let claim = View(world.claim.as_ref()?);
    let changes = changes(record, claim, goal);
    (!changes.is_empty()).then(|| patch(claim, changes))
}

fn changes(record: &Record, claim: View<'_>, goal: Direction) -> Map<String, Value> {
    let mut annotations = Map::new();
    for (name, change) in &record.spec.claim_annotations {
        let (from, to) = match goal {
            Direction::Forward => (&change.from, &change.to),
            Direction::Back => (&change.to, &change.from),
        };
        // One that somebody else has set stays.
        if from != to && claim.annotation(name) == from.as_deref() {
            annotations.insert(name.clone(), json!(to));
        }
    }
    annotations
}

fn patch(claim: View<'_>, annotations: Map<String, Value>) -> Action {
    Action::PatchClaim(json!({"metadata": {
        "uid": claim.uid(),
        "resourceVersion": claim.version(),
        "annotations": annotations,
    }}))
}

/// Stops while the claim is being resized or given another class: half of that is
/// in its status, which does not outlive the volume.
pub(super) fn is_quiet(record: &Record, world: &World) -> Option<Action> {
    let id = record.spec.claim.as_ref()?;
    let claim = world.claim.as_ref()?;
    let status = &claim["status"];
    let conditions = status["conditions"].as_array();
    let resizing = conditions.into_iter().flatten().any(|condition| {
        let pending = ["Resizing", "FileSystemResizePending", "ModifyingVolume"];
        condition["status"] == "True" && pending.iter().any(|kind| condition["type"] == **kind)
    });
    let allocated = status["allocatedResourceStatuses"]
        .as_object()
        .is_some_and(|of| !of.is_empty());
    let modifying = status["modifyVolumeStatus"].is_object();
    (resizing || allocated || modifying).then(|| {
        let what = format!(
            "has a claim, {}, whose resize or change is not done",
            named(id)
        );
        let remedy = "let it end (a file system is grown when a pod mounts it), then try again";
        stop(record, StopCode::ClaimBusy, &what, remedy)
    })
}
