//! A volume that the node daemon attached, replaced under the pod that uses it: it is
//! never detached while it is mounted, whoever dies and whenever the pod ends. The
//! model checks that at each detach.

use proptest::prelude::*;

use super::model::{Model, TURNS};
use super::node::Node;
use super::worker::{End, Luck, Worker};
use super::{claim, task, volume};
use crate::rewrite::names::POLICY;
use crate::rewrite::{
    Action, Awaited, Direction, InUse, ObjectKind, PinCall, PinPart, Record, StopCode, Task, View,
};

const BOTH: [Direction; 2] = [Direction::Forward, Direction::Back];

fn attached() -> Task {
    Task {
        in_use: InUse::Shim {
            nodes: vec!["a".into()],
            attach: true,
        },
        ..task()
    }
}

fn model() -> Model {
    let mut model = Model::new(
        ObjectKind::PersistentVolume,
        volume("Delete"),
        Some(claim()),
    );
    model.has_deleter = true;
    model.node = Some(Node::new());
    model.settle();
    model
}

fn node(model: &mut Model) -> &mut Node {
    model.node.as_mut().unwrap()
}

fn is_csi(model: &Model) -> bool {
    model.object.as_ref().unwrap()["spec"]["csi"].is_object()
}

fn start(model: &mut Model, goal: Direction, name: &str) -> Worker {
    Worker::start(model, &attached(), goal, name)
}

/// Its pod ends, and all come to know.
fn pod_ends(model: &mut Model) {
    node(model).pod = false;
    model.settle();
}

#[test]
fn it_is_swapped_under_its_pod_and_never_detached() {
    let mut model = model();
    let worker = start(&mut model, Direction::Forward, "one");
    assert_eq!(worker.run(&mut model), End::Done);
    assert!(is_csi(&model));
    let node = node(&mut model);
    assert!(node.taken && node.is_attached_all_along() && node.is_clean());
    // Nobody waits for the attachment, which names no volume, before storage is deleted.
    let object = model.object.clone().unwrap();
    assert_eq!(View(&object).policy(), "Retain");
    assert_eq!(View(&object).annotation(POLICY), Some("Delete"));
    assert!(model.journal.as_ref().unwrap().status.policy_is_due);
    // The way back is for when it is idle.
    let back = start(&mut model, Direction::Back, "two");
    let End::Stopped(stop) = back.run(&mut model) else {
        panic!("rolled back under a pod")
    };
    assert_eq!(stop.code, StopCode::InUse);
    pod_ends(&mut model);
    let worker = start(&mut model, Direction::Forward, "three");
    assert_eq!(worker.run(&mut model), End::Done);
    assert_eq!(View(model.object.as_ref().unwrap()).policy(), "Delete");
    assert!(!model.journal.as_ref().unwrap().status.policy_is_due);
}

#[test]
fn a_pod_that_ends_in_between_needs_no_pin() {
    for steps in 0.. {
        let mut model = model();
        let mut worker = start(&mut model, Direction::Forward, "one");
        for _ in 0..steps {
            worker.step(&mut model, Luck::Good);
            model.settle();
        }
        if worker.end.is_some() {
            assert!(steps > 20, "{steps}");
            return;
        }
        pod_ends(&mut model);
        let end = worker.run(&mut model);
        // Told that it was attached, it looks again the next time.
        let end = match end {
            End::Stopped(stop) if stop.code == StopCode::NotAttached => {
                start(&mut model, Direction::Forward, "two").run(&mut model)
            }
            end => end,
        };
        assert_eq!(end, End::Done, "after {steps} steps");
        model.settle();
        assert!(is_csi(&model) && node(&mut model).is_clean());
    }
}

/// Steps on until it waits for good.
fn waits(model: &mut Model, worker: &mut Worker) -> Awaited {
    let mut waits = 0;
    for _ in 0..400 {
        worker.step(model, Luck::Good);
        assert_eq!(worker.end, None);
        match worker.intent {
            Some(Action::Wait(awaited)) if waits > 10 => return awaited,
            Some(Action::Wait(_)) => waits += 1,
            Some(Action::AskUse | Action::AskPins) | None => {}
            Some(_) => waits = 0,
        }
        model.settle();
    }
    panic!("it does not wait: {:?}", worker.intent);
}

/// Kubelet's word is late: nothing is swapped before it.
#[test]
fn without_kubelets_word_it_is_not_swapped() {
    let mut model = model();
    node(&mut model).reports = false;
    let mut worker = start(&mut model, Direction::Forward, "one");
    assert_eq!(waits(&mut model, &mut worker), Awaited::Pin);
    assert!(!is_csi(&model) && node(&mut model).is_armed());
    node(&mut model).reports = true;
    assert_eq!(worker.run(&mut model), End::Done);
    assert!(node(&mut model).is_attached_all_along());
}

/// Kubelet looks at the pod late: the pin stays until then, and if the pod ends before,
/// it is unmounted first.
#[test]
fn the_pin_stays_until_kubelet_has_the_volume_for_the_pod() {
    for ends in [false, true] {
        let mut model = model();
        node(&mut model).syncs = false;
        let mut worker = start(&mut model, Direction::Forward, "one");
        assert_eq!(waits(&mut model, &mut worker), Awaited::Kubelet);
        assert!(is_csi(&model) && !node(&mut model).taken && node(&mut model).is_armed());
        if ends {
            node(&mut model).pod = false;
            // The attach/detach controller is the first to know.
            model.turn(10);
            model.settle();
        }
        node(&mut model).syncs = true;
        assert_eq!(worker.run(&mut model), End::Done);
        assert!(node(&mut model).is_clean());
    }
}

#[test]
fn a_node_that_takes_no_pod_stops_it_before_anything_hangs_on_it() {
    let mut model = model();
    node(&mut model).full = true;
    let End::Stopped(stop) = start(&mut model, Direction::Forward, "one").run(&mut model) else {
        panic!("not stopped")
    };
    assert_eq!(stop.code, StopCode::NotPinned);
    assert!(!node(&mut model).is_armed() && !is_csi(&model));
    let back = start(&mut model, Direction::Back, "two");
    assert_eq!(back.run(&mut model), End::Done);
    assert!(node(&mut model).is_clean());
    assert!(node(&mut model).flex && node(&mut model).is_attached_all_along());
}

#[test]
fn without_what_pins_are_made_of_nothing_is_swapped() {
    let mut model = model();
    let mut worker = start(&mut model, Direction::Forward, "one");
    worker.forget_pins();
    let End::Stopped(stop) = worker.run(&mut model) else {
        panic!("not stopped")
    };
    assert_eq!(stop.code, StopCode::NotPinned);
    assert!(!is_csi(&model));
}

/// Lets a worker make some calls and die. `None`: it ended before.
fn left(model: &mut Model, mut worker: Worker, calls: usize, luck: Luck) -> Option<()> {
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

/// From each crash on the way there: forward under the pod, and back, which may have to
/// wait for the pod.
#[test]
fn it_ends_right_from_each_crash() {
    let mut states = 0;
    let mut armed = 0;
    for luck in [Luck::CallLost, Luck::AnswerLost] {
        for calls in 0.. {
            let mut crashed = model();
            let worker = start(&mut crashed, Direction::Forward, "one");
            if left(&mut crashed, worker, calls, luck).is_none() {
                break;
            }
            states += 1;
            for goal in BOTH {
                for ends in [false, true] {
                    let mut model = crashed.clone();
                    if ends {
                        pod_ends(&mut model);
                    }
                    let mut end = start(&mut model, goal, "two").run(&mut model);
                    if let (Direction::Back, false, End::Stopped(stop)) = (goal, ends, &end) {
                        assert!(matches!(stop.code, StopCode::Pinned | StopCode::InUse));
                        armed += 1;
                        model.settle();
                        assert!(node(&mut model).is_attached_all_along());
                        pod_ends(&mut model);
                        end = start(&mut model, goal, "three").run(&mut model);
                    }
                    assert_eq!(end, End::Done, "{calls} {luck:?} {goal:?} {ends}");
                    model.settle();
                    assert_eq!(is_csi(&model), goal == Direction::Forward);
                    assert!(node(&mut model).is_clean());
                    if goal == Direction::Forward && !ends {
                        let node = node(&mut model);
                        assert!(node.taken && node.is_attached_all_along());
                    }
                }
            }
        }
    }
    assert!(states >= 28 && armed >= 8, "{states} {armed}");
}

/// One who was on the way back sleeps with the deletion of the pin's pod decided on, and
/// wakes up when another relies on that pod.
#[test]
fn a_deletion_on_its_way_is_refused_once_another_has_taken_the_pod_over() {
    let mut model = model();
    let mut first = start(&mut model, Direction::Forward, "one");
    steps_until(&mut model, &mut first, |model, _| !node(model).is_clean());
    let mut sleeper = start(&mut model, Direction::Back, "two");
    let is_deletion = |sleeper: &Worker| matches!(sleeper.intent, Some(Action::Pin(_)));
    steps_until(&mut model, &mut sleeper, |_, sleeper| is_deletion(sleeper));
    // It sees once more that the record is its own.
    sleeper.step(&mut model, Luck::Good);
    assert!(is_deletion(&sleeper));

    let mut worker = start(&mut model, Direction::Forward, "three");
    for _ in 0..400 {
        if node(&mut model).is_armed() {
            break;
        }
        worker.step(&mut model, Luck::Good);
    }
    // The attach/detach controller is quicker than kubelet.
    model.turn(10);
    sleeper.step(&mut model, Luck::Good);
    model.settle();
    assert!(node(&mut model).is_armed() && node(&mut model).is_attached_all_along());

    assert_eq!(worker.run(&mut model), End::Done);
    assert!(matches!(
        sleeper.run(&mut model),
        End::Stopped(_) | End::Taken
    ));
    assert!(is_csi(&model) && node(&mut model).is_clean());
}

/// One sleeps with the creation of a part decided on, and wakes up when another has come to
/// the end of it.
#[test]
fn a_part_that_is_made_too_late_is_taken_away() {
    for part in [PinPart::Pod, PinPart::Volume, PinPart::Claim] {
        for goal in BOTH {
            let mut model = model();
            let mut sleeper = start(&mut model, Direction::Forward, "one");
            let makes = |sleeper: &Worker| match &sleeper.intent {
                Some(Action::Pin(PinCall::Create(made, _))) => *made == part,
                _ => false,
            };
            steps_until(&mut model, &mut sleeper, |_, sleeper| makes(sleeper));
            // It sees once more that the record is its own.
            sleeper.step(&mut model, Luck::Good);
            assert!(makes(&sleeper));
            let other = start(&mut model, goal, "two");
            assert_eq!(other.run(&mut model), End::Done);
            model.settle();
            assert!(node(&mut model).is_clean());
            sleeper.step(&mut model, Luck::Good);
            assert!(!node(&mut model).is_clean());
            sleeper.wake(&mut model);
            model.settle();
            assert!(node(&mut model).is_clean(), "{part:?} {goal:?}");
        }
    }
}

/// One sleeps with the creation of the claim decided on, by which the attach/detach controller
/// takes the volume over for the pin's pod, and wakes up at any moment while another takes
/// the pin away.
#[test]
fn a_claim_that_comes_late_does_not_have_the_volume_detached() {
    let mut model = model();
    let mut sleeper = start(&mut model, Direction::Forward, "one");
    let makes = |sleeper: &Worker| {
        matches!(
            &sleeper.intent,
            Some(Action::Pin(PinCall::Create(PinPart::Claim, _)))
        )
    };
    steps_until(&mut model, &mut sleeper, |_, sleeper| makes(sleeper));
    // It sees once more that the record is its own.
    sleeper.step(&mut model, Luck::Good);
    assert!(makes(&sleeper));
    let other = start(&mut model, Direction::Back, "two");
    // By then it waits for those who have not had their turn.
    for steps in 0..40 {
        let (mut model, mut sleeper, mut other) = (model.clone(), sleeper.clone(), other.clone());
        for _ in 0..steps {
            other.step(&mut model, Luck::Good);
        }
        sleeper.step(&mut model, Luck::Good);
        assert!(node(&mut model).is_armed(), "{steps}");
        // The attach/detach controller is quicker than all others.
        model.turn(10);
        other.run(&mut model);
        model.settle();
        pod_ends(&mut model);
        let end = start(&mut model, Direction::Back, "three").run(&mut model);
        assert_eq!(end, End::Done, "{steps}");
        model.settle();
        assert!(node(&mut model).is_clean(), "{steps}");
    }
}

fn steps_until(
    model: &mut Model,
    worker: &mut Worker,
    is_there: impl Fn(&mut Model, &Worker) -> bool,
) {
    for _ in 0..400 {
        if is_there(model, worker) {
            return;
        }
        worker.step(model, Luck::Good);
        model.settle();
    }
    panic!(
        "it never comes to that: {:?} {:?}",
        worker.intent, worker.end
    );
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Step(u8, Luck),
    Turn(u8),
    Takeover(bool),
    PodEnds,
    Syncs(bool),
    Reports(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let luck = prop_oneof![
        6 => Just(Luck::Good),
        1 => Just(Luck::AnswerLost),
        1 => Just(Luck::CallLost),
    ];
    let event = prop_oneof![
        30 => (any::<u8>(), luck).prop_map(|(who, luck)| Event::Step(who, luck)),
        40 => (0..TURNS).prop_map(Event::Turn),
        2 => any::<bool>().prop_map(Event::Takeover),
        1 => Just(Event::PodEnds),
        1 => any::<bool>().prop_map(Event::Syncs),
        1 => any::<bool>().prop_map(Event::Reports),
    ];
    prop::collection::vec(event, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In whatever order all of them act, whoever sleeps or dies.
    #[test]
    fn nothing_is_detached_under_a_mount(events in events(), forward in any::<bool>()) {
        let mut model = model();
        let mut workers = vec![start(&mut model, Direction::Forward, "w0")];
        let goal_of = |forward| if forward { Direction::Forward } else { Direction::Back };
        for event in events {
            match event {
                // Now and then one who was taken over goes on.
                Event::Step(who, luck) => {
                    let count = workers.len();
                    let who = if who < 160 { count - 1 } else { usize::from(who) % count };
                    workers[who].step(&mut model, luck);
                }
                Event::Turn(which) => model.turn(which),
                Event::Takeover(forward) => {
                    let name = format!("w{}", workers.len());
                    workers.push(start(&mut model, goal_of(forward), &name));
                }
                Event::PodEnds => node(&mut model).pod = false,
                Event::Syncs(does) => node(&mut model).syncs = does,
                Event::Reports(does) => node(&mut model).reports = does,
            }
        }
        (node(&mut model).syncs, node(&mut model).reports) = (true, true);
        model.settle();
        let goal = goal_of(forward);
        let last = start(&mut model, goal, "last").run(&mut model);
        // Those that were paused wake up.
        for worker in workers {
            worker.wake(&mut model);
        }
        model.settle();
        if last == End::Done {
            prop_assert!(node(&mut model).is_clean());
        }
        pod_ends(&mut model);
        let mut end = start(&mut model, goal, "very last").run(&mut model);
        if matches!(end, End::Stopped(_)) {
            end = start(&mut model, goal, "after that").run(&mut model);
        }
        prop_assert_eq!(end, End::Done);
        model.settle();
        prop_assert_eq!(is_csi(&model), goal == Direction::Forward);
        prop_assert!(node(&mut model).is_clean());
    }
}

/// Somebody deletes the volume, or puts another in its place, while it is pinned: nobody
/// can go on from there, and the pins go as soon as nothing hangs on them.
#[test]
fn what_others_delete_or_replace_is_not_pinned_for_good() {
    type Meddle = fn(&mut Model);
    let meddles: [(Meddle, StopCode); 3] = [
        (|model| model.object = None, StopCode::Vanished),
        (
            |model| {
                let object = model.object.as_mut().unwrap();
                object["metadata"]["deletionTimestamp"] = "by another".into();
            },
            StopCode::DeletedByOther,
        ),
        (
            |model| {
                let object = model.object.as_mut().unwrap();
                object["metadata"]["uid"] = "uid-other".into();
            },
            StopCode::Foreign,
        ),
    ];
    for (meddle, code) in meddles {
        for goal in BOTH {
            let mut model = model();
            let mut worker = start(&mut model, Direction::Forward, "one");
            while !node(&mut model).is_armed() {
                worker.step(&mut model, Luck::Good);
                model.settle();
            }
            meddle(&mut model);
            let stopped = |end: End| match end {
                End::Stopped(stop) => stop.code,
                end => panic!("{end:?}"),
            };
            // Under the pod it stays pinned.
            let end = start(&mut model, goal, "two").run(&mut model);
            assert_eq!(stopped(end), code);
            assert!(node(&mut model).is_armed());
            pod_ends(&mut model);
            let end = start(&mut model, goal, "three").run(&mut model);
            assert_eq!(stopped(end), code);
            model.settle();
            assert!(node(&mut model).is_clean(), "{code:?} {goal:?}");
        }
    }
}

#[test]
fn a_pin_is_made_of_what_will_be_stored() {
    let record = Record::begin(&attached(), "one").unwrap();
    let record = record.with_pins(&super::node::settings());
    let (settings, nodes) = record.pinned().unwrap();
    let node = nodes[0].as_str();
    let made = record.pin_volume(settings, node, "uid-va");
    let volume = View(&made);
    let stored = &record.form(Direction::Forward)["spec"];
    assert_eq!(made["spec"]["csi"], stored["csi"]);
    assert_eq!(made["spec"]["accessModes"], stored["accessModes"]);
    assert_eq!(volume.policy(), "Retain");
    assert_eq!(volume.text("/spec/claimRef/namespace"), "pins");
    assert_eq!(
        volume.annotation("flex2csi.io/pin-attachment"),
        Some("uid-va")
    );
    let pod = record.pin_pod(settings, node);
    assert_eq!(pod["spec"]["nodeName"], "a");
    let mounted = &pod["spec"]["volumes"][0]["persistentVolumeClaim"];
    assert_eq!(mounted["claimName"], made["metadata"]["name"]);
    assert_eq!(mounted["readOnly"], true);
    let claim = record.pin_claim(settings, node, volume);
    assert_eq!(claim["spec"]["volumeName"], made["metadata"]["name"]);
    assert!(View(&pod).text("/metadata/name").len() <= 63);
}
