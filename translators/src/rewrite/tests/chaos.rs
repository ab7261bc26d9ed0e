//! Workers that pause, calls and answers that are lost, controllers in any order,
//! and others who meddle.

use proptest::prelude::*;
use serde_json::json;

use super::crashes::assert_right;
use super::model::{Lag, Model, TURNS};
use super::once_more::{between, recorded};
use super::worker::{End, Luck, Worker};
use super::{claim, task, volume};
use crate::rewrite::names::{POLICY, RETAIN};
use crate::rewrite::{Direction, ObjectKind, Step, StopCode, View};

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A worker decides, or does what it has decided, however long ago.
    Step(u8, Luck),
    /// A controller has a turn.
    Turn(u8),
    /// Another worker takes over, and the one before does not know.
    Takeover(bool),
    /// A worker is told of changes so late from now on; or reads.
    Lag(u8, Option<Lag>),
    /// Somebody meddles.
    Meddle(Meddle),
    /// A pod comes, or goes.
    Used(bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Meddle {
    Label,
    Grow,
    DeleteClaim,
    RecreateClaim,
    DeleteObject,
    RecreateObject,
    PolicyDelete,
    Finalizer,
}

fn events(meddles: bool) -> impl Strategy<Value = Vec<Event>> {
    let luck = prop_oneof![
        6 => Just(Luck::Good),
        1 => Just(Luck::AnswerLost),
        1 => Just(Luck::CallLost),
    ];
    let meddle = prop_oneof![
        Just(Meddle::Label),
        Just(Meddle::Grow),
        Just(Meddle::DeleteClaim),
        Just(Meddle::RecreateClaim),
        Just(Meddle::DeleteObject),
        Just(Meddle::RecreateObject),
        Just(Meddle::PolicyDelete),
        Just(Meddle::Finalizer),
    ];
    let harmless = prop_oneof![Just(Meddle::Label), Just(Meddle::Grow)];
    let meddle = if meddles {
        meddle.boxed()
    } else {
        harmless.boxed()
    };
    let event = prop_oneof![
        30 => (any::<u8>(), luck).prop_map(|(who, luck)| Event::Step(who, luck)),
        20 => (0..TURNS).prop_map(Event::Turn),
        2 => any::<bool>().prop_map(Event::Takeover),
        1 => (any::<u8>(), lags()).prop_map(|(who, lag)| Event::Lag(who, lag)),
        1 => meddle.prop_map(Event::Meddle),
    ];
    prop::collection::vec(event, 0..160)
}

/// How late a watch may tell.
fn lags() -> impl Strategy<Value = Option<Lag>> {
    prop::option::of((0..6_usize, 0..6_usize))
}

fn goal_of(forward: bool) -> Direction {
    if forward {
        Direction::Forward
    } else {
        Direction::Back
    }
}

struct Chaos {
    model: Model,
    workers: Vec<Worker>,
    /// What must not be lost, whoever meddles.
    labelled: bool,
    grown: bool,
    /// The claim was deleted while only its policy, `Retain`, kept the storage.
    kept: bool,
    /// Or while its policy was `Delete`.
    given: bool,
}

impl Chaos {
    fn new() -> Self {
        let mut model = Model::new(
            ObjectKind::PersistentVolume,
            volume("Delete"),
            Some(claim()),
        );
        model.has_deleter = true;
        model.settle();
        Self::of(model)
    }

    /// A second rewrite, of what one before has made.
    fn again() -> Self {
        let mut model = between(&task());
        recorded(&mut model, &task());
        Self::of(model)
    }

    fn of(mut model: Model) -> Self {
        let worker = Worker::start(&mut model, &task(), Direction::Forward, "w0");
        Self {
            model,
            workers: vec![worker],
            labelled: false,
            grown: false,
            kept: false,
            given: false,
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Step(who, luck) => {
                let who = self.one(who);
                self.workers[who].step(&mut self.model, luck);
            }
            Event::Lag(who, lag) => {
                let who = self.one(who);
                self.workers[who].lag = lag;
            }
            Event::Turn(which) => self.model.turn(which),
            Event::Takeover(forward) => {
                let name = format!("w{}", self.workers.len());
                let worker = Worker::start(&mut self.model, &task(), goal_of(forward), &name);
                self.workers.push(worker);
            }
            Event::Meddle(meddle) => self.meddle(meddle),
            Event::Used(is_used) => self.model.is_used = is_used,
        }
    }

    /// The volume that was left where it was, since it is in use, by whoever holds the
    /// record: nobody works on it.
    fn left(&self) -> Option<String> {
        let is_in_use =
            |end: &End| matches!(end, End::Stopped(stop) if stop.code == StopCode::InUse);
        let last = self.workers.last()?;
        last.end.as_ref().filter(|end| is_in_use(end))?;
        let object = View(self.model.object.as_ref()?);
        (!object.is_ending()).then(|| object.uid().to_owned())
    }

    /// The last one has most turns.
    fn one(&self, who: u8) -> usize {
        let count = self.workers.len();
        if who < 160 {
            count - 1
        } else {
            usize::from(who) % count
        }
    }

    /// No look is so late that this cannot happen right after it. Then it is as if the
    /// claim had been deleted after all, so each looks again here.
    fn replace_claim(&mut self, claim: Option<serde_json::Value>) {
        let object = self.model.object.as_ref();
        let kept = object.is_none_or(|object| View(object).annotation(POLICY).is_some());
        self.kept |= kept;
        self.given |= object.is_some_and(|object| View(object).policy() != RETAIN);
        self.model.claim = claim;
        for worker in &mut self.workers {
            worker.look(&self.model);
        }
    }

    fn meddle(&mut self, meddle: Meddle) {
        let patch = match meddle {
            Meddle::Label => json!({"metadata": {"labels": {"seen": "yes"}}}),
            Meddle::Grow => json!({"spec": {"capacity": {"storage": "2Gi"}}}),
            Meddle::PolicyDelete => json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}}),
            Meddle::Finalizer => json!({"metadata": {"finalizers": ["example.com/mine"]}}),
            Meddle::DeleteClaim => return self.replace_claim(None),
            Meddle::RecreateClaim => {
                let mut other = claim();
                other["metadata"]["uid"] = "uid-other-claim".into();
                return self.replace_claim(Some(other));
            }
            Meddle::DeleteObject => {
                if let Some(object) = &mut self.model.object {
                    object["metadata"]["deletionTimestamp"] = "by another".into();
                }
                json!({"metadata": {}})
            }
            Meddle::RecreateObject => {
                let mut other = volume("Retain");
                let metadata = other["metadata"].as_object_mut().unwrap();
                metadata.retain(|key, _| key == "name");
                other.as_object_mut().unwrap().remove("status");
                other["metadata"]["uid"] = "uid-other".into();
                other["metadata"]["resourceVersion"] = "90".into();
                return self.model.object = Some(other);
            }
        };
        let Some(object) = &self.model.object else {
            return;
        };
        let is_ending = View(object).is_ending();
        let mut patch = patch;
        patch["metadata"]["resourceVersion"] = View(object).version().into();
        self.model.patch(&patch).unwrap();
        // What somebody writes on an object that is already deleted goes with it.
        self.labelled |= meddle == Meddle::Label && !is_ending;
        self.grown |= meddle == Meddle::Grow && !is_ending;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever goes wrong on our side, the last worker brings it to its end, and what
    /// others have changed of the volume meanwhile is still there.
    #[test]
    fn nothing_that_goes_wrong_with_us_is_for_good(
        events in events(false),
        forward in any::<bool>(),
        lag in lags(),
        again in any::<bool>(),
    ) {
        let mut chaos = if again { Chaos::again() } else { Chaos::new() };
        chaos.model.lag = lag;
        for event in events {
            chaos.happens(event);
        }
        let goal = goal_of(forward);
        let worker = Worker::start(&mut chaos.model, &task(), goal, "last");
        let end = worker.run(&mut chaos.model);
        prop_assert_eq!(end, End::Done);
        // Those that were paused wake up.
        for worker in chaos.workers {
            let _ = worker.run(&mut chaos.model);
        }
        let worker = Worker::start(&mut chaos.model, &task(), goal, "very last");
        prop_assert_eq!(worker.run(&mut chaos.model), End::Done);
        chaos.model.settle();
        let mut task = task();
        if chaos.grown {
            for form in [&mut task.original, &mut task.translated] {
                *form = form.replace("1Gi", "2Gi");
            }
        }
        assert_right(&chaos.model, &task, goal, "Delete");
        let labels = &chaos.model.object.as_ref().unwrap()["metadata"]["labels"];
        prop_assert_eq!(labels["seen"] == "yes", chaos.labelled);
        prop_assert_eq!(&labels["team"], "blue");
    }

    /// Whoever wakes up, and whatever of theirs is on its way still: what the last one has
    /// left in its place, since a pod uses it, stays there until another takes it up.
    #[test]
    fn what_is_left_in_use_stays(
        events in prop::collection::vec(
            prop_oneof![
                30 => (any::<u8>(), Just(Luck::Good)).prop_map(|(who, luck)| Event::Step(who, luck)),
                10 => (0..TURNS).prop_map(Event::Turn),
                3 => any::<bool>().prop_map(Event::Takeover),
                3 => any::<bool>().prop_map(Event::Used),
            ],
            0..200,
        ),
    ) {
        let mut chaos = Chaos::new();
        for event in events {
            let left = chaos.left().filter(|_| !matches!(event, Event::Takeover(_)));
            chaos.happens(event);
            if left.is_some() {
                prop_assert_eq!(chaos.left(), left);
            }
        }
        // All of them, in the end.
        if let Some(left) = chaos.left() {
            let last = chaos.workers.pop();
            for worker in std::mem::take(&mut chaos.workers) {
                let _ = worker.run(&mut chaos.model);
            }
            chaos.workers.extend(last);
            prop_assert_eq!(chaos.left(), Some(left));
        }
    }

    /// In whatever order the controllers hear of things: once it is done, nothing that
    /// they still have in mind makes the claim Lost.
    #[test]
    fn what_is_done_stays_bound(
        turns in prop::collection::vec((0..3_u8, 0..TURNS), 60..200),
        lag in lags(),
    ) {
        let mut chaos = Chaos::new();
        chaos.workers[0].lag = lag;
        for (steps, turn) in turns {
            for _ in 0..steps {
                chaos.workers[0].step(&mut chaos.model, Luck::Good);
            }
            chaos.model.turn(turn);
        }
        let worker = chaos.workers.remove(0);
        prop_assert_eq!(worker.run(&mut chaos.model), End::Done);
        chaos.model.settle();
        assert_right(&chaos.model, &task(), Direction::Forward, "Delete");
    }

    /// Whatever others do, it ends, and no storage is deleted while anything is under
    /// way. The model checks the rest at each call.
    #[test]
    fn nothing_that_others_do_costs_data(
        events in events(true),
        forward in any::<bool>(),
        lag in lags(),
        again in any::<bool>(),
    ) {
        let mut theirs = false;
        let mut chaos = if again { Chaos::again() } else { Chaos::new() };
        chaos.model.lag = lag;
        for event in events {
            let is_done = |chaos: &Chaos| {
                let journal = chaos.model.journal.as_ref().unwrap();
                journal.status.id == journal.spec.id && journal.status.step == Step::Done
            };
            // Who deletes what is done has the storage deleted.
            if is_done(&chaos) && matches!(event, Event::Meddle(_)) {
                continue;
            }
            // And so has who sets Delete.
            theirs |= matches!(event, Event::Meddle(Meddle::PolicyDelete));
            chaos.happens(event);
        }
        let goal = goal_of(forward);
        chaos.model.settle();
        let worker = Worker::start(&mut chaos.model, &task(), goal, "last");
        let model = &mut chaos.model;
        match worker.run(model) {
            End::Done => {}
            End::Stopped(stop) => prop_assert!(!stop.remedy.is_empty()),
            End::Taken => prop_assert!(false, "nobody else works"),
        }
        model.settle();
        prop_assert!(theirs || chaos.given || !(chaos.kept && model.storage_deleted));
    }
}
