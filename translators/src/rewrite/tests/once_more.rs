//! A rewrite of what one before has made: on to another form, or back to the original.

use serde_json::{Value, json};

use super::crashes::{assert_right, left};
use super::model::{Journal, Model};
use super::worker::{End, Luck, Worker};
use super::{claim, class_task, task};
use crate::rewrite::{Direction, ObjectKind, Record, StopCode, Task, View};

/// The first rewrite, to what only stands in between.
fn first(task: &Task) -> Task {
    let mut translated: Value = serde_json::from_str(&task.translated).unwrap();
    let between = "csi.example.com.between";
    match task.kind {
        ObjectKind::PersistentVolume => {
            translated["spec"]["csi"]["driver"] = between.into();
            let annotations = &mut translated["metadata"]["annotations"];
            annotations["pv.kubernetes.io/provisioned-by"] = between.into();
        }
        ObjectKind::StorageClass => translated["provisioner"] = between.into(),
    }
    let mut first = task.clone();
    first.translated = translated.to_string();
    first
}

/// The second one, of the object that is there now.
fn second(model: &Model, task: &Task) -> Task {
    let live = model.object.as_ref().unwrap();
    let mut translated = live.clone();
    let last: Value = serde_json::from_str(&task.translated).unwrap();
    translated["spec"]["csi"] = last["spec"]["csi"].clone();
    translated["provisioner"] = last["provisioner"].clone();
    let key = "pv.kubernetes.io/provisioned-by";
    if let Some(provisioner) = View(&last).annotation(key) {
        translated["metadata"]["annotations"][key] = provisioner.into();
    }
    Task {
        original: live.to_string(),
        translated: translated.to_string(),
        claim_annotations: Default::default(),
        ..task.clone()
    }
}

/// The object as the first rewrite has left it.
pub(super) fn between(task: &Task) -> Model {
    let object = serde_json::from_str(&task.original).unwrap();
    let is_volume = task.kind == ObjectKind::PersistentVolume;
    let mut model = Model::new(task.kind, object, is_volume.then(claim));
    model.has_deleter = is_volume;
    model.settle();
    let first = first(task);
    let worker = Worker::start(&mut model, &first, Direction::Forward, "one");
    assert_eq!(worker.run(&mut model), End::Done);
    model.settle();
    assert_right(&model, &first, Direction::Forward, "Delete");
    model
}

/// The record of the second, as it takes the first one's place, by one write.
pub(super) fn recorded(model: &mut Model, task: &Task) {
    let journal = model.journal.take().unwrap();
    let before = Record::open(journal.spec, journal.status.clone()).unwrap();
    let record = Record::begin(&second(model, task), "two").unwrap();
    let record = record.after(&before).unwrap();
    model.journal = Some(Journal {
        version: journal.version + 1,
        spec: record.spec,
        status: journal.status,
    });
}

fn ends_right_from_each_crash(task: &Task) {
    let mut states = 0;
    for goal in [Direction::Forward, Direction::Back] {
        let mut start = between(task);
        recorded(&mut start, task);
        if goal == Direction::Back {
            let worker = Worker::start(&mut start, task, Direction::Forward, "two");
            assert_eq!(worker.run(&mut start), End::Done);
            start.settle();
            assert_right(&start, task, Direction::Forward, "Delete");
        }
        for luck in [Luck::CallLost, Luck::AnswerLost] {
            for calls in 0.. {
                let mut model = start.clone();
                let worker = Worker::start(&mut model, task, goal, "three");
                if left(&mut model, worker, calls, luck).is_none() {
                    break;
                }
                states += 1;
                for end in [Direction::Forward, Direction::Back] {
                    let mut model = model.clone();
                    let worker = Worker::start(&mut model, task, end, "four");
                    assert_eq!(worker.run(&mut model), End::Done);
                    model.settle();
                    assert_right(&model, task, end, "Delete");
                }
            }
        }
    }
    assert!(states >= 20, "{states}");
}

#[test]
fn a_volume_ends_in_its_last_form_or_its_first_from_each_crash() {
    ends_right_from_each_crash(&task());
}

#[test]
fn a_class_ends_in_its_last_form_or_its_first_from_each_crash() {
    ends_right_from_each_crash(&class_task());
}

#[test]
fn what_others_have_changed_in_between_goes_along_both_ways() {
    let task = task();
    let mut model = between(&task);
    for patch in [
        json!({"metadata": {"labels": {"seen": "between"}}}),
        json!({"spec": {"capacity": {"storage": "2Gi"}}}),
    ] {
        let mut patch = patch;
        let object = View(model.object.as_ref().unwrap());
        patch["metadata"]["resourceVersion"] = object.version().into();
        model.patch(&patch).unwrap();
    }
    recorded(&mut model, &task);
    for goal in [Direction::Forward, Direction::Back] {
        let mut model = model.clone();
        let worker = Worker::start(&mut model, &task, goal, "two");
        assert_eq!(worker.run(&mut model), End::Done);
        model.settle();
        let mut grown = task.clone();
        for form in [&mut grown.original, &mut grown.translated] {
            *form = form.replace("1Gi", "2Gi");
        }
        assert_right(&model, &grown, goal, "Delete");
        let labels = &model.object.as_ref().unwrap()["metadata"]["labels"];
        assert_eq!(labels, &json!({"team": "blue", "seen": "between"}));
    }
}

#[test]
fn the_record_keeps_the_first_original() {
    let task = task();
    let mut model = between(&task);
    let first = model.journal.as_ref().unwrap().spec.clone();
    recorded(&mut model, &task);
    let spec = &model.journal.as_ref().unwrap().spec;
    assert_eq!(spec.original, first.original);
    assert_ne!(spec.id, first.id);
    let object = model.object.as_ref().unwrap();
    assert_eq!(spec.uid, View(object).uid());
    let restore: Value = serde_json::from_str(&spec.restore).unwrap();
    assert!(restore["spec"]["flexVolume"].is_object());
    assert_eq!(
        View(&restore).annotation("flex2csi.io/migration"),
        Some(&*spec.id)
    );
    assert_eq!(View(&restore).policy_meant(), "Delete");
    assert_eq!(spec.claim_annotations, first.claim_annotations);
}

/// An object of the first rewrite that comes back from somewhere is not taken for one of
/// the second's.
#[test]
fn another_object_of_the_first_rewrite_is_a_stranger() {
    let task = task();
    let mut model = between(&task);
    recorded(&mut model, &task);
    model.object.as_mut().unwrap()["metadata"]["uid"] = "uid-other".into();
    let worker = Worker::start(&mut model, &task, Direction::Forward, "two");
    match worker.run(&mut model) {
        End::Stopped(stop) => assert_eq!(stop.code, StopCode::Foreign),
        end => panic!("{end:?}"),
    }
}
