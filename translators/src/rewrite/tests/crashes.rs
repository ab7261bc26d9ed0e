//! From every state in which a rewrite can be left, it can be ended either way.

use super::model::{Lag, Model};
use super::worker::{End, Luck, Worker};
use super::{claim, class_task, task, task_of, volume};
use crate::rewrite::names::{POLICY, REWRITING};
use crate::rewrite::{Direction, ObjectKind, Task, View};

const BOTH: [Direction; 2] = [Direction::Forward, Direction::Back];

fn model(task: &Task) -> Model {
    let object = serde_json::from_str(&task.original).unwrap();
    let is_volume = task.kind == ObjectKind::PersistentVolume;
    let mut model = Model::new(task.kind, object, is_volume.then(claim));
    model.has_deleter = is_volume;
    model.settle();
    model
}

/// Checks that all is as it has to be at the end.
pub(super) fn assert_right(model: &Model, task: &Task, goal: Direction, policy: &str) {
    let object = View(model.object.as_ref().expect("an object"));
    assert!(!object.is_ending());
    assert!(!model.storage_deleted);
    assert_eq!(object.annotation(POLICY), None);
    assert_eq!(object.annotation(REWRITING), None);
    let form = match goal {
        Direction::Forward => &task.translated,
        Direction::Back => &task.original,
    };
    let form: serde_json::Value = serde_json::from_str(form).unwrap();
    if task.kind == ObjectKind::StorageClass {
        for member in [
            "provisioner",
            "parameters",
            "reclaimPolicy",
            "volumeBindingMode",
        ] {
            assert_eq!(object.0[member], form[member]);
        }
        let default = "storageclass.kubernetes.io/is-default-class";
        assert_eq!(object.annotation(default), Some("true"));
        return;
    }
    for member in [
        "csi",
        "flexVolume",
        "capacity",
        "accessModes",
        "storageClassName",
    ] {
        assert_eq!(object.0["spec"][member], form["spec"][member], "{member}");
    }
    assert_eq!(object.policy(), policy);
    let provisioned_by = "pv.kubernetes.io/provisioned-by";
    assert_eq!(
        object.annotation(provisioned_by),
        View(&form).annotation(provisioned_by)
    );
    assert_eq!(object.phase(), "Bound");
    let claim = View(model.claim.as_ref().expect("the claim"));
    assert_eq!((claim.uid(), claim.phase()), ("uid-claim", "Bound"));
    assert_eq!(object.text("/spec/claimRef/uid"), "uid-claim");
    let served_by = if goal == Direction::Forward {
        "csi.example.com"
    } else {
        "example.com/legacy"
    };
    assert_eq!(claim.annotation(super::PROVISIONER), Some(served_by));
}

/// Lets a worker make some calls and die: before the next one, or after it without
/// having heard of it. `None`: it ended before.
pub(super) fn left(model: &mut Model, mut worker: Worker, calls: usize, luck: Luck) -> Option<()> {
    while worker.end.is_none() {
        if worker.calls == calls && worker.intent.is_some() {
            if luck == Luck::AnswerLost {
                worker.step(model, luck);
            }
            return Some(());
        }
        worker.step(model, Luck::Good);
        model.settle();
    }
    None
}

fn each_crash(
    (task, lag): (&Task, Option<Lag>),
    policy: &str,
    lucks: &[Luck],
    mut see: impl FnMut(&Model, Direction),
) -> usize {
    let mut states = 0;
    // Forward from the beginning, and back from the end.
    for first in BOTH {
        let mut start = model(task);
        start.lag = lag;
        if first == Direction::Back {
            let end = Worker::start(&mut start, task, Direction::Forward, "one").run(&mut start);
            assert_eq!(end, End::Done);
            start.settle();
            assert_right(&start, task, Direction::Forward, policy);
        }
        for luck in lucks.iter().copied() {
            for calls in 0.. {
                let mut model = start.clone();
                let worker = Worker::start(&mut model, task, first, "two");
                if left(&mut model, worker, calls, luck).is_none() {
                    break;
                }
                states += 1;
                see(&model, first);
            }
        }
    }
    states
}

/// Those who read, and those who are told of changes at once, late, and very late.
const LAGS: [Option<Lag>; 4] = [None, Some((0, 0)), Some((1, 2)), Some((5, 1))];

fn ends_right_from_each_crash(task: &Task, policy: &str) {
    for lag in LAGS {
        ends_right_with(lag, task, policy);
    }
}

fn ends_right_with(lag: Option<Lag>, task: &Task, policy: &str) {
    let mut ends = 0;
    let states = each_crash(
        (task, lag),
        policy,
        &[Luck::CallLost, Luck::AnswerLost],
        |model, _| {
            for goal in BOTH {
                let mut model = model.clone();
                let end = Worker::start(&mut model, task, goal, "three").run(&mut model);
                assert_eq!(end, End::Done);
                model.settle();
                assert_right(
                    &model,
                    task,
                    goal,
                    if goal == Direction::Back {
                        "Delete"
                    } else {
                        policy
                    },
                );
                ends += 1;
            }
        },
    );
    assert!(states >= 12, "{states}");
    assert_eq!(ends, 2 * states);
}

#[test]
fn a_volume_ends_right_from_each_crash() {
    ends_right_from_each_crash(&task(), "Delete");
}

#[test]
fn a_volume_that_nobody_could_delete_is_retained_from_then_on() {
    let mut volume = volume("Delete");
    volume["metadata"]["annotations"] = serde_json::json!({});
    ends_right_from_each_crash(&task_of(&volume), "Retain");
    let mut task = task_of(&volume);
    task.keep_delete = true;
    ends_right_from_each_crash(&task, "Delete");
}

#[test]
fn a_class_ends_right_from_each_crash() {
    ends_right_from_each_crash(&class_task(), "");
}

#[test]
fn it_ends_right_from_a_crash_after_a_crash() {
    let task = task();
    let mut ends = 0;
    // Before the next call is where it is after the one before.
    each_crash((&task, None), "Delete", &[Luck::AnswerLost], |first, _| {
        for second in BOTH {
            for calls in 0.. {
                let mut model = first.clone();
                let worker = Worker::start(&mut model, &task, second, "three");
                if left(&mut model, worker, calls, Luck::AnswerLost).is_none() {
                    break;
                }
                for goal in BOTH {
                    let mut model = model.clone();
                    let end = Worker::start(&mut model, &task, goal, "four").run(&mut model);
                    assert_eq!(end, End::Done);
                    model.settle();
                    assert_right(&model, &task, goal, "Delete");
                    ends += 1;
                }
            }
        }
    });
    assert!(ends > 300, "{ends}");
}
