//! A volume that the node daemon attached, replaced under the pod that uses it.

use std::sync::Mutex;
use std::time::Duration;

use flex2csi_translators::attachment::attachment_name;
use flex2csi_translators::rewrite::{Awaited, Direction, InUse, ObjectKind, Task, Use, View};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Cluster, Fault};
use super::{resume, rewrite_one};
use crate::rewrite::{
    Api, Call, Failure, Finished, Glimpse, Options, PIN_NAMESPACE, Place, Resource, Stopped,
    Subject, Verb, roll_back_one,
};

const NODE: &str = "node-1";
const UID: &str = "uid-attachment";

pub(super) fn namespace_of(resource: Resource) -> &'static str {
    match resource {
        Resource::PersistentVolume => "",
        _ => PIN_NAMESPACE,
    }
}

fn attachment() -> String {
    attachment_name("csi.example.com", "1", NODE)
}

/// A cluster with a node whose kubelet, node daemon and attach/detach controller do
/// their part whenever somebody waits.
struct Lab {
    cluster: Cluster,
    /// Whether the pod that uses the volume is there.
    pod: Mutex<bool>,
    /// Whether kubelet takes one more pod.
    has_room: bool,
    /// The images of the pods that were pins, in their order.
    images: Mutex<Vec<String>>,
    /// Pins of others when somebody asked who uses the volume.
    asked: Mutex<Vec<Vec<String>>>,
}

impl Lab {
    fn new() -> Self {
        Self::failing(|_, _| None)
    }

    fn failing(fault: impl Fn(usize, &Call) -> Option<Fault> + Send + Sync + 'static) -> Self {
        let lab = Self {
            cluster: Cluster::failing(fault),
            pod: Mutex::new(true),
            has_room: true,
            images: Mutex::default(),
            asked: Mutex::default(),
        };
        let put = |resource, name: &str, object| lab.cluster.put(resource, ("", name), object);
        let status = json!({"nodeInfo": {"bootID": "boot"}});
        put(Resource::Node, NODE, json!({"status": status}));
        let attached = json!({"metadata": {"uid": UID}, "status": {"attached": true}});
        put(Resource::Attachment, &attachment(), attached);
        lab.says();
        lab
    }

    /// The node daemon publishes what it has mounted.
    fn says(&self) {
        let volume = self.cluster.volume();
        let is_csi = volume.is_some_and(|volume| {
            volume["spec"]["csi"].is_object() && View(&volume).phase() == "Bound"
        });
        let mut shim = Vec::new();
        if *self.pod.lock().unwrap() {
            shim.push(json!({
                "driver": "csi.example.com", "handle": "1", "pv": "data", "podUID": "u",
                "state": "Mounted", "csi": is_csi,
            }));
        }
        let said = json!({
            "bootID": "boot", "version": "1", "renewTime": Timestamp::now(), "renewSeconds": 3600,
            "counts": {"shim": 1, "detaching": 0, "original": 0},
            "shim": shim, "original": [],
        });
        self.cluster.put(Resource::NodeVolumes, ("", NODE), said);
    }

    fn kubelet(&self) {
        let part = |resource| self.cluster.pin(resource);
        let is_mounted = match part(Resource::Pod) {
            None => false,
            Some((name, pod)) if View(&pod).is_ending() => {
                self.cluster.remove(Resource::Pod, PIN_NAMESPACE, &name);
                false
            }
            Some((name, mut pod)) => {
                let has_claim = part(Resource::Claim).is_some();
                let is_started = !View(&pod).text("/status/startTime").is_empty()
                    && pod["spec"]["containers"][0]["image"] != "none-such";
                let (phase, ready) = match (self.has_room, has_claim && is_started) {
                    (false, _) => ("Failed", "False"),
                    (true, false) => ("Pending", "False"),
                    (true, true) => ("Running", "True"),
                };
                let ready = json!([{"type": "Ready", "status": ready}]);
                pod["status"] = json!({
                    "startTime": "now", "phase": phase, "conditions": ready,
                    "reason": "OutOfpods", "message": "Node has too many pods",
                });
                let name = (PIN_NAMESPACE, name.as_str());
                self.cluster.put(Resource::Pod, name, pod);
                phase == "Running"
            }
        };
        let has_pod = part(Resource::Pod).is_some();
        let owner = part(Resource::PersistentVolume).map(|(_, volume)| volume);
        if let Some((name, claim)) = part(Resource::Claim)
            && (View(&claim).is_ending() || !owner.is_some_and(|owner| is_owned(&claim, &owner)))
            && !has_pod
        {
            self.cluster.remove(Resource::Claim, PIN_NAMESPACE, &name);
        }
        if let Some((name, volume)) = part(Resource::PersistentVolume)
            && View(&volume).is_ending()
            && part(Resource::Claim).is_none()
        {
            self.cluster.remove(Resource::PersistentVolume, "", &name);
        }
        let mut node = self.cluster.get(Resource::Node, "", NODE).unwrap();
        let said = self.cluster.get(Resource::NodeVolumes, "", NODE).unwrap();
        let is_taken = said["shim"][0]["csi"] == true;
        node["status"]["volumesInUse"] = match is_mounted || is_taken {
            true => json!(["kubernetes.io/csi/csi.example.com^1"]),
            false => json!([]),
        };
        self.cluster.put(Resource::Node, ("", NODE), node);
    }

    /// Nothing of a pin is left.
    fn assert_clean(&self) {
        for resource in [Resource::Pod, Resource::Claim, Resource::PersistentVolume] {
            assert!(self.cluster.pin(resource).is_none(), "{resource:?}");
        }
    }

    fn is_csi(&self) -> bool {
        self.cluster.volume().unwrap()["spec"]["csi"].is_object()
    }

    fn pod_ends(&self) {
        *self.pod.lock().unwrap() = false;
        self.says();
        self.kubelet();
    }
}

impl Api for Lab {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        let image = |body: &Value| {
            body["spec"]["containers"][0]["image"]
                .as_str()
                .map(str::to_owned)
        };
        if call.verb == Verb::Create {
            self.images
                .lock()
                .unwrap()
                .extend(call.body.as_ref().and_then(image));
        }
        self.cluster.call(call).await
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        self.asked.lock().unwrap().push(subject.pinned.to_vec());
        let nodes = vec![NODE.to_owned()];
        let used = Use::ByCsi { nodes };
        Ok(if *self.pod.lock().unwrap() {
            used
        } else {
            Use::Idle
        })
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        let is_told = self.cluster.moved(place, known, longest).await;
        self.kubelet();
        self.says();
        is_told
    }

    fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        self.cluster.glimpse(place, known)
    }
}

/// Whether the garbage collector leaves it alone.
fn is_owned(object: &Value, by: &Value) -> bool {
    object["metadata"]["ownerReferences"][0]["uid"] == View(by).uid()
}

fn task() -> Task {
    Task {
        in_use: InUse::Shim {
            nodes: vec![NODE.into()],
            attach: true,
        },
        ..super::task()
    }
}

async fn forward(lab: &Lab, holder: &str) -> Result<Finished, Stopped> {
    rewrite_one(lab, &task(), &Options::new(holder)).await
}

async fn go_on(lab: &Lab, holder: &str) -> Result<Finished, Stopped> {
    resume(lab, &lab.cluster.record().unwrap(), holder).await
}

async fn back(lab: &Lab, holder: &str) -> Result<Finished, Stopped> {
    let kind = ObjectKind::PersistentVolume;
    roll_back_one(lab, kind, "data", &Options::new(holder)).await
}

#[tokio::test(start_paused = true)]
async fn it_is_pinned_swapped_and_let_go() {
    let lab = Lab::new();
    let finished = forward(&lab, "one").await.unwrap();
    assert!(finished.policy_is_due && !finished.was_done);
    assert!(lab.is_csi());
    lab.assert_clean();
    let writes = lab.cluster.writes();
    let of_volume = |write: &&String| {
        !write.contains("VolumeMigration") && !write.starts_with("Patch PersistentVolumeClaim")
    };
    let order: Vec<String> = writes
        .iter()
        .filter(of_volume)
        .map(|write| write.split(" flex2csi-pin-").next().unwrap())
        .map(|write| write.split(" flex2csi-system/").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        order,
        [
            "Patch PersistentVolume data", // marked
            "Create Pod",
            "Create PersistentVolume",
            "Create PersistentVolumeClaim",
            "Delete PersistentVolume data",
            "Patch PersistentVolume data", // released
            "Create PersistentVolume data",
            "Delete Pod",
            "Delete PersistentVolumeClaim",
            "Delete PersistentVolume",
        ]
    );
    // Who looks for who uses it leaves the pin out, on its node alone.
    let asked = lab.asked.lock().unwrap().clone();
    assert_eq!(asked.first().unwrap().len(), 0);
    assert!(asked.iter().any(|pinned| pinned == &[NODE.to_owned()]));
    assert!(forward_again(&lab).await.was_done);
    lab.pod_ends();
    let settled = forward_again(&lab).await;
    assert!(!settled.policy_is_due);
    assert_eq!(View(&lab.cluster.volume().unwrap()).policy(), "Delete");
    back(&lab, "four").await.unwrap();
    assert!(!lab.is_csi());
}

async fn forward_again(lab: &Lab) -> Finished {
    go_on(lab, "again").await.unwrap()
}

/// Dies with a call on its way; another ends it, either way, as far as the pod lets it.
#[tokio::test(start_paused = true)]
async fn another_ends_what_one_died_of_at_each_call() {
    let whole = Lab::new();
    forward(&whole, "one").await.unwrap();
    let calls = whole.cluster.calls();
    assert!(calls > 60, "{calls}");
    let mut held = 0;
    for fault in [Fault::DiesBefore, Fault::DiesAfter] {
        for at in 1..=calls {
            for goal in [Direction::Forward, Direction::Back] {
                let lab = Lab::failing(move |number, _| (number == at).then_some(fault));
                tokio::select! {
                    done = forward(&lab, "one") => {
                        done.unwrap();
                        // Calls that only tell about it have no fixed number.
                        assert!(at + 4 > calls, "{at} of {calls}");
                        continue;
                    }
                    () = lab.cluster.died.notified() => {}
                }
                if lab.cluster.record().is_none() {
                    continue;
                }
                if goal == Direction::Forward {
                    let done = go_on(&lab, "two").await;
                    done.unwrap_or_else(|stopped| panic!("{fault:?} {at}: {stopped}"));
                    assert!(lab.is_csi());
                } else if let Err(stopped) = back(&lab, "two").await {
                    assert!(
                        matches!(stopped, Stopped::World(_)),
                        "{fault:?} {at}: {stopped}"
                    );
                    held += 1;
                    lab.pod_ends();
                    let done = back(&lab, "three").await;
                    done.unwrap_or_else(|stopped| panic!("{fault:?} {at}: {stopped}"));
                }
                assert_eq!(lab.is_csi(), goal == Direction::Forward, "{fault:?} {at}");
                lab.assert_clean();
            }
        }
    }
    assert!(held > 20, "{held}");
}

#[tokio::test(start_paused = true)]
async fn it_gets_over_each_fault_at_each_call() {
    let whole = Lab::new();
    forward(&whole, "one").await.unwrap();
    let calls = whole.cluster.calls();
    for fault in [
        Fault::Busy,
        Fault::Error,
        Fault::AnswerLost,
        Fault::Conflict,
    ] {
        for at in 1..=calls {
            let lab = Lab::failing(move |number, _| (number == at).then_some(fault));
            let there = forward(&lab, "one").await;
            there.unwrap_or_else(|stopped| panic!("{fault:?} at call {at}: {stopped}"));
            assert!(lab.is_csi());
            lab.assert_clean();
        }
    }
}

/// Kubelet turns the pod away: nothing hangs on it yet, and it is not left behind.
#[tokio::test(start_paused = true)]
async fn a_node_without_room_is_told_of_and_nothing_is_left_there() {
    let mut lab = Lab::new();
    lab.has_room = false;
    let stopped = forward(&lab, "one").await.unwrap_err();
    assert!(stopped.to_string().contains("OutOfpods"), "{stopped}");
    lab.assert_clean();
    assert!(!lab.is_csi());
    let made = lab.cluster.writes();
    assert!(
        !made
            .iter()
            .any(|write| write.starts_with("Create PersistentVolume"))
    );
    back(&lab, "one").await.unwrap();
    let volume = lab.cluster.volume().unwrap();
    assert_eq!(View(&volume).policy(), "Delete");
}

/// Told to stop it leaves no pin, unless something hangs on one: then it goes through.
#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_leaves_no_pin() {
    for (at, through) in [
        (Resource::Pod, false),
        (Resource::PersistentVolume, false),
        (Resource::Claim, true),
    ] {
        let options = Options::new("one");
        let cancel = options.cancel.clone();
        let lab = Lab::failing(move |_, call| {
            let is_pin = call.place.name.starts_with("flex2csi-pin-");
            if call.verb == Verb::Create && call.place.resource == at && is_pin {
                cancel.cancel();
            }
            None
        });
        let ended = rewrite_one(&lab, &task(), &options).await;
        assert!(options.cancel.is_cancelled());
        assert_eq!(ended.is_ok(), through, "{at:?} {ended:?}");
        assert_eq!(lab.is_csi(), through);
        // What is deleted takes its controllers a moment.
        lab.kubelet();
        lab.assert_clean();
    }
}

/// Without the right to see the node nothing is touched.
#[tokio::test(start_paused = true)]
async fn who_may_not_look_touches_nothing() {
    let lab =
        Lab::failing(|_, call| (call.place.resource == Resource::Node).then_some(Fault::Forbidden));
    let stopped = forward(&lab, "one").await.unwrap_err();
    assert!(
        stopped.to_string().contains("rewrite-pins.yaml"),
        "{stopped}"
    );
    let writes = lab.cluster.writes();
    assert!(
        !writes
            .iter()
            .any(|write| write.contains("PersistentVolume")),
        "{writes:?}"
    );
}

/// An image that cannot be had is only known of once the pod must not end any more: it gets
/// another one, and stays.
#[tokio::test(start_paused = true)]
async fn a_pod_without_its_image_gets_another_one() {
    let lab = Lab::new();
    let options = |holder: &str, image: &str| {
        let mut options = Options::new(holder);
        options.pins.image = image.to_owned();
        options
    };
    let task = task();
    let stopped = rewrite_one(&lab, &task, &options("one", "none-such"))
        .await
        .unwrap_err();
    let Stopped::Waited { awaited, .. } = stopped else {
        panic!("{stopped}")
    };
    assert_eq!(awaited, Awaited::Pin);
    let (_, pod) = lab.cluster.pin(Resource::Pod).unwrap();
    rewrite_one(&lab, &task, &options("two", "right"))
        .await
        .unwrap();
    assert!(lab.is_csi());
    lab.assert_clean();
    // It was the same pod all along.
    let writes = lab.cluster.writes();
    let pods = |verb: &str| {
        let of_pod = writes.iter().filter(|write| write.starts_with(verb));
        of_pod.filter(|write| write.contains(" Pod ")).count()
    };
    assert_eq!((pods("Create"), pods("Patch"), pods("Delete")), (1, 2, 1));
    assert!(!View(&pod).is_ending());
}

/// What was told wrong once can be told right, but a pin that is there is found.
#[tokio::test(start_paused = true)]
async fn pins_are_made_as_the_last_one_is_told() {
    let told = |holder: &str, namespace: &str, image: &str| {
        let mut options = Options::new(holder);
        options.pins.namespace = namespace.to_owned();
        options.pins.image = image.to_owned();
        options.pins.priority_class = None;
        options
    };
    for (fault, first, second) in [
        (Fault::DiesBefore, "nowhere", PIN_NAMESPACE),
        (Fault::DiesAfter, PIN_NAMESPACE, "nowhere"),
    ] {
        let lab = Lab::failing(move |_, call| {
            let is_pod = call.verb == Verb::Create && call.place.resource == Resource::Pod;
            let is_first = call.body.as_ref()?["spec"]["containers"][0]["image"] == "wrong";
            (is_pod && is_first).then_some(fault)
        });
        let mut one = told("one", first, "wrong");
        one.pins.priority_class = Some("none-such".into());
        let task = task();
        tokio::select! {
            done = rewrite_one(&lab, &task, &one) => panic!("{done:?}"),
            () = lab.cluster.died.notified() => {}
        }
        let two = told("two", second, "right");
        rewrite_one(&lab, &task, &two).await.unwrap();
        assert!(lab.is_csi());
        lab.assert_clean();
        assert_eq!(lab.images.lock().unwrap().last().unwrap(), "right");
        let pins = &lab.cluster.record().unwrap()["spec"]["pins"];
        assert_eq!(*pins, json!({"namespace": PIN_NAMESPACE, "image": "right"}));
        // Who brings it back was told nothing of pins.
        lab.pod_ends();
        back(&lab, "three").await.unwrap();
        assert_eq!(lab.cluster.record().unwrap()["spec"]["pins"], *pins);
    }
}

/// A lab in which one is asleep between its last look at the record and the creation of a
/// part of a pin, while another takes the record over.
struct Overtaken {
    lab: Lab,
    part: Resource,
    /// Where the other one takes the volume.
    goal: Direction,
    /// What it creates when it wakes up.
    late: Mutex<Option<Place>>,
}

impl Api for Overtaken {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        let is_part = call.verb == Verb::Create
            && call.place.resource == self.part
            && call.place.name.starts_with("flex2csi-pin-");
        if is_part && self.late.lock().unwrap().is_none() {
            *self.late.lock().unwrap() = Some(call.place.clone());
            match self.goal {
                Direction::Forward => go_on(&self.lab, "two").await.unwrap(),
                Direction::Back => back(&self.lab, "two").await.unwrap(),
            };
            self.lab.assert_clean();
        }
        self.lab.call(call).await
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        self.lab.used(subject).await
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        self.lab.moved(place, known, longest).await
    }
}

/// What came too late is not there for good: nobody would look for it any more.
#[tokio::test(start_paused = true)]
async fn who_wakes_up_after_all_is_done_leaves_no_pin() {
    for goal in [Direction::Forward, Direction::Back] {
        for part in [Resource::Pod, Resource::PersistentVolume, Resource::Claim] {
            let overtaken = Overtaken {
                lab: Lab::new(),
                part,
                goal,
                late: Mutex::default(),
            };
            let woken = rewrite_one(&overtaken, &task(), &Options::new("one")).await;
            assert!(
                matches!(woken, Err(Stopped::Taken { .. })),
                "{goal:?} {part:?} {woken:?}"
            );
            let lab = &overtaken.lab;
            let late = overtaken.late.lock().unwrap().clone().unwrap();
            let creation = format!("Create {late}");
            let writes = lab.cluster.writes();
            let creations = writes.iter().filter(|write| **write == creation).count();
            // That of the one who was asleep came last, and was done.
            assert_eq!(creations, if goal == Direction::Forward { 2 } else { 1 });
            lab.kubelet();
            lab.assert_clean();
            assert_eq!(lab.is_csi(), goal == Direction::Forward);
        }
    }
}
