//! What stops a rewrite, and that nothing was touched then.

use serde_json::{Value, json};

use super::model::Model;
use super::worker::{End, Luck, Worker};
use super::{claim, task, volume};
use crate::rewrite::{
    Action, Awaited, Change, Direction, InUse, ObjectKind, Record, Stop, StopCode, Use, View,
    World, next,
};

/// The first thing to do about a volume and a claim like these.
fn first(change: impl Fn(&mut World)) -> Action {
    let mut world = World {
        object: Some(volume("Delete")),
        claim: Some(claim()),
        used: Some(Use::Idle),
        ..World::default()
    };
    change(&mut world);
    next(
        &Record::begin(&task(), "one").unwrap(),
        &world,
        Direction::Forward,
    )
}

fn stop_of(action: Action) -> Stop {
    match action {
        Action::Stop(stop) => stop,
        other => panic!("{other:?}"),
    }
}

fn object(world: &mut World) -> &mut Value {
    world.object.as_mut().unwrap()
}

fn claim_of(world: &mut World) -> &mut Value {
    world.claim.as_mut().unwrap()
}

#[test]
fn a_volume_that_is_fit_is_marked_first() {
    assert!(matches!(first(|_| {}), Action::Patch(Change::Mark, _)));
    assert_eq!(first(|world| world.used = None), Action::AskUse);
}

#[test]
fn what_is_not_fit_is_not_touched() {
    type Case = (StopCode, fn(&mut World));
    let cases: [Case; 14] = [
        (StopCode::Vanished, |world| world.object = None),
        (StopCode::ClaimGone, |world| world.claim = None),
        (StopCode::ClaimReplaced, |world| {
            claim_of(world)["metadata"]["uid"] = "other".into();
        }),
        (StopCode::ClaimEnding, |world| {
            claim_of(world)["metadata"]["deletionTimestamp"] = "now".into();
        }),
        (StopCode::NotBound, |world| {
            claim_of(world)["spec"]["volumeName"] = "other".into();
        }),
        (StopCode::NotBound, |world| {
            object(world)["spec"]["claimRef"]["uid"] = "other".into();
        }),
        (StopCode::NotBound, |world| {
            claim_of(world)["status"]["phase"] = "Lost".into();
        }),
        (StopCode::ClaimBusy, |world| {
            claim_of(world)["status"]["conditions"] =
                json!([{"type": "FileSystemResizePending", "status": "True"}]);
        }),
        (StopCode::ClaimBusy, |world| {
            claim_of(world)["status"]["allocatedResourceStatuses"] = json!({"storage": "x"});
        }),
        (StopCode::ForeignFinalizer, |world| {
            object(world)["metadata"]["finalizers"] = json!(["example.com/mine"]);
        }),
        (StopCode::InUse, |world| {
            world.used = Some(Use::By("pod n/p".into()))
        }),
        (StopCode::UseUnknown, |world| {
            world.used = Some(Use::Unknown("node a is silent".into()));
        }),
        (StopCode::Foreign, |world| {
            object(world)["metadata"]["uid"] = "other".into();
        }),
        (StopCode::DeletedByOther, |world| {
            object(world)["metadata"]["deletionTimestamp"] = "now".into();
        }),
    ];
    for (code, change) in cases {
        let stop = stop_of(first(change));
        assert_eq!(stop.code, code, "{stop}");
        assert!(stop.message.starts_with("PersistentVolume data "), "{stop}");
    }
}

#[test]
fn a_deleter_that_has_not_seen_it_is_waited_for() {
    let action = first(|world| {
        let object = object(world);
        object["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        let record = Record::begin(&task(), "one").unwrap();
        object["metadata"]["annotations"] = json!({
            "flex2csi.io/rewriting": format!("{}/one", record.spec.id),
            "flex2csi.io/reclaim-policy": "Delete",
        });
        object["metadata"]["finalizers"] = json!(["kubernetes.io/pv-controller"]);
    });
    assert_eq!(action, Action::Wait(Awaited::Deleter));
}

#[test]
fn a_released_volume_is_only_rewritten_if_it_is_to_stay() {
    for (policy, phase, fit) in [
        ("Retain", "Released", true),
        ("Delete", "Released", false),
        ("Retain", "Available", true),
        ("Retain", "Failed", false),
    ] {
        let mut volume = volume(policy);
        volume["status"]["phase"] = phase.into();
        let mut task = super::task_of(&volume);
        task.claim = None;
        let world = World {
            object: Some(volume),
            used: Some(Use::Idle),
            ..World::default()
        };
        let record = Record::begin(&task, "one").unwrap();
        let action = next(&record, &world, Direction::Forward);
        assert_eq!(
            matches!(action, Action::Patch(..)),
            fit,
            "{policy} {phase} {action:?}"
        );
    }
}

#[test]
fn what_the_cluster_serves_through_csi_may_be_used() {
    let mut task = task();
    task.in_use = InUse::RuntimeEqual;
    let record = Record::begin(&task, "one").unwrap();
    let world = World {
        object: Some(volume("Delete")),
        claim: Some(claim()),
        ..World::default()
    };
    let action = next(&record, &world, Direction::Forward);
    assert!(
        matches!(action, Action::Patch(Change::Mark, _)),
        "{action:?}"
    );
}

/// A claim that is deleted in the gap: the record has all, and nothing is created for
/// a claim that is not there.
#[test]
fn a_claim_deleted_in_the_gap_stops_both_ways() {
    let mut model = Model::new(
        ObjectKind::PersistentVolume,
        volume("Delete"),
        Some(claim()),
    );
    let mut worker = Worker::start(&mut model, &task(), Direction::Forward, "one");
    while model.object.is_some() {
        worker.step(&mut model, Luck::Good);
        model.settle();
    }
    model.claim = None;
    for goal in [Direction::Forward, Direction::Back] {
        let mut model = model.clone();
        let end = Worker::start(&mut model, &task(), goal, "two").run(&mut model);
        let End::Stopped(stop) = end else {
            panic!("{end:?}")
        };
        assert_eq!(stop.code, StopCode::ClaimGone);
        assert!(model.object.is_none());
        let body = model.journal.unwrap().status.body.unwrap();
        assert!(body.contains("uid-claim"));
    }
}

/// One sleeps with its delete on the way. Another takes over, finds that the volume is in
/// use, and leaves it: the delete must not come after that, nobody works on it any more.
#[test]
fn a_delete_on_its_way_is_refused_once_another_has_taken_over() {
    let mut deletes = 0;
    for goal in [Direction::Forward, Direction::Back] {
        let mut model = Model::new(
            ObjectKind::PersistentVolume,
            volume("Delete"),
            Some(claim()),
        );
        let mut asleep = Worker::start(&mut model, &task(), Direction::Forward, "one");
        while !matches!(asleep.intent, Some(Action::Delete { .. })) {
            asleep.step(&mut model, Luck::Good);
        }
        let mut other = Worker::start(&mut model, &task(), goal, "two");
        other.used = Use::By("pod n/p".into());
        match (goal, other.run(&mut model)) {
            (Direction::Forward, End::Stopped(stop)) => assert_eq!(stop.code, StopCode::InUse),
            (Direction::Back, End::Done) => {}
            (_, end) => panic!("{end:?}"),
        }
        asleep.step(&mut model, Luck::Good);
        let object = model.object.as_ref().unwrap();
        assert!(!View(object).is_ending(), "{goal:?}");
        assert_eq!(View(object).uid(), "uid-original");
        deletes += 1;
    }
    assert_eq!(deletes, 2);
}

/// A mark of a version that did not write who it was is another's.
#[test]
fn a_mark_without_a_holder_is_another_ones() {
    let action = first(|world| {
        let record = Record::begin(&task(), "one").unwrap();
        let object = object(world);
        object["metadata"]["annotations"] = json!({"flex2csi.io/rewriting": record.spec.id});
        world.used = Some(Use::By("pod n/p".into()));
    });
    let Action::Patch(Change::Mark, patch) = action else {
        panic!("{action:?}")
    };
    let annotations = &patch["metadata"]["annotations"];
    let mark = annotations["flex2csi.io/rewriting"].as_str().unwrap();
    assert!(mark.ends_with("/one"), "{mark}");
    assert_eq!(annotations["flex2csi.io/reclaim-policy"], "Delete");
}

/// What is recorded is what is deleted: another version is recorded first.
#[test]
fn nothing_is_deleted_that_was_not_recorded_as_it_is() {
    let mut model = Model::new(
        ObjectKind::PersistentVolume,
        volume("Delete"),
        Some(claim()),
    );
    let mut worker = Worker::start(&mut model, &task(), Direction::Forward, "one");
    while !matches!(worker.intent, Some(Action::Delete { .. })) {
        worker.step(&mut model, Luck::Good);
    }
    // Only its version: nothing that would be in the new object.
    let live = View(model.object.as_ref().unwrap()).version().to_owned();
    model
        .patch(&json!({"metadata": {"resourceVersion": live}}))
        .unwrap();
    let commits = |model: &Model| model.journal.as_ref().unwrap().version;
    let before = commits(&model);
    worker.step(&mut model, Luck::Good);
    while !matches!(worker.intent, Some(Action::Delete { .. })) {
        worker.step(&mut model, Luck::Good);
    }
    assert_eq!(commits(&model), before + 1);
}
