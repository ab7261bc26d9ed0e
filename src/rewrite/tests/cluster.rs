//! A cluster in memory: an API server that keeps objects as the real one does, and
//! controllers that do their part whenever somebody waits.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use flex2csi_translators::rewrite::{Use, View};
use serde_json::{Value, json};

use crate::merge_patch::merge;
use crate::rewrite::{Api, Call, Failure, Glimpse, Place, Resource, Subject, Verb};

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// 409, not done.
    Conflict,
    /// 429 with Retry-After, not done.
    Busy,
    /// 500, not done.
    Error,
    /// 504, done all the same.
    AnswerLost,
    /// 401, not done.
    Unauthorized,
    /// A webhook that is to be asked does not answer.
    Webhook,
    /// 403.
    Forbidden,
    /// The caller dies with the call on its way: it is not done.
    DiesBefore,
    /// Or done.
    DiesAfter,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String, String), Value>,
    /// What was told of each, oldest first: its version, and the object unless it went.
    told: BTreeMap<(String, String, String), Vec<(u64, Glimpse)>>,
    clock: u64,
    calls: usize,
    queued: bool,
    writes: Vec<String>,
}

/// Says what goes wrong with the call of this number.
type Injector = Box<dyn Fn(usize, &Call) -> Option<Fault> + Send + Sync>;

pub(super) struct Cluster {
    state: Mutex<State>,
    pub(super) fault: Injector,
    pub(super) used: Mutex<Use>,
    /// Somebody has died.
    pub(super) died: tokio::sync::Notify,
    /// What the server leaves out of a record, being of another version.
    pub(super) left_out: Option<&'static str>,
    /// By how many changes one is told late of an object; without, nobody is told.
    pub(super) lag: Option<usize>,
    /// Whether controllers work.
    pub(super) controllers: std::sync::atomic::AtomicBool,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let cluster = Self {
            state: Mutex::default(),
            fault: Box::new(|_, _| None),
            used: Mutex::new(Use::Idle),
            died: tokio::sync::Notify::new(),
            left_out: None,
            lag: None,
            controllers: true.into(),
        };
        let mut state = cluster.state.lock().unwrap();
        state.clock = 100;
        state
            .objects
            .insert(key(Resource::PersistentVolume, "", "data"), super::volume());
        state
            .objects
            .insert(key(Resource::Claim, "n", "c"), super::claim());
        drop(state);
        cluster
    }

    pub(super) fn failing(
        fault: impl Fn(usize, &Call) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        let mut cluster = Self::new();
        cluster.fault = Box::new(fault);
        cluster
    }

    pub(super) fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        state.objects.get(&key(resource, namespace, name)).cloned()
    }

    pub(super) fn volume(&self) -> Option<Value> {
        self.get(Resource::PersistentVolume, "", "data")
    }

    pub(super) fn claim(&self) -> Option<Value> {
        self.get(Resource::Claim, "n", "c")
    }

    pub(super) fn record(&self) -> Option<Value> {
        self.get(Resource::Migration, "", "pv-data")
    }

    /// Puts an object there, or in the place of the one that is.
    pub(super) fn put(&self, resource: Resource, (namespace, name): (&str, &str), object: Value) {
        let mut state = self.state.lock().unwrap();
        state.store(key(resource, namespace, name), object);
    }

    /// The one pin's part of a kind, with its name.
    pub(super) fn pin(&self, resource: Resource) -> Option<(String, Value)> {
        let state = self.state.lock().unwrap();
        let kind = key(resource, super::pins::namespace_of(resource), "").0;
        let mut all = state.objects.iter().filter(|((collection, _, name), _)| {
            *collection == kind && name.starts_with("flex2csi-pin-")
        });
        let found = all
            .next()
            .map(|((_, _, name), object)| (name.clone(), object.clone()));
        assert!(all.next().is_none());
        found
    }

    pub(super) fn remove(&self, resource: Resource, namespace: &str, name: &str) {
        self.state
            .lock()
            .unwrap()
            .objects
            .remove(&key(resource, namespace, name));
    }

    /// Reasons of the events that were written, in alphabetical order.
    pub(super) fn events(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let events = state
            .objects
            .values()
            .filter(|object| object["kind"] == "Event");
        let mut reasons: Vec<_> = events
            .map(|event| event["reason"].as_str().unwrap().to_owned())
            .collect();
        reasons.sort();
        reasons
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// What was written, as `create PersistentVolume data`.
    pub(super) fn writes(&self) -> Vec<String> {
        self.state.lock().unwrap().writes.clone()
    }
}

impl Api for Cluster {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        let number = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            state.calls
        };
        // Each call takes a moment.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let fault = (self.fault)(number, &call);
        match fault {
            None => self.state.lock().unwrap().answer(&call, self.left_out),
            Some(Fault::Conflict) => Err(Failure::Conflict("injected".into())),
            Some(Fault::Busy) => Err(Failure::Busy {
                after: Some(Duration::from_secs(2)),
            }),
            Some(Fault::Error) => Err(Failure::Unknown("injected".into())),
            Some(Fault::Webhook) => {
                let said = "Internal error occurred: failed calling webhook \"w\": refused";
                Err(Failure::Unknown(said.into()))
            }
            Some(Fault::AnswerLost) => {
                let _ = self.state.lock().unwrap().answer(&call, self.left_out);
                Err(Failure::Unknown("the answer is lost".into()))
            }
            Some(Fault::Unauthorized) => Err(Failure::Refused {
                status: 401,
                message: "Unauthorized".into(),
            }),
            Some(Fault::Forbidden) => Err(Failure::Refused {
                status: 403,
                message: format!("cannot {:?} {}", call.verb, call.place),
            }),
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                let _ = self.state.lock().unwrap().answer(&call, self.left_out);
                self.die().await
            }
        }
    }

    async fn used(&self, _: &Subject<'_>) -> Result<Use, Failure> {
        Ok(self.used.lock().unwrap().clone())
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        tokio::time::sleep(longest).await;
        if self.controllers.load(std::sync::atomic::Ordering::Relaxed) {
            self.state.lock().unwrap().controllers();
        }
        self.glimpse(place, known).is_some()
    }

    fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        let state = self.state.lock().unwrap();
        let told = state
            .told
            .get(&key(place.resource, &place.namespace, &place.name))?;
        let (version, glimpse) = told.iter().rev().nth(self.lag?)?;
        (*version > known.parse().unwrap()).then(|| glimpse.clone())
    }
}

impl Cluster {
    async fn die(&self) -> ! {
        self.died.notify_one();
        std::future::pending().await
    }
}

fn key(resource: Resource, namespace: &str, name: &str) -> (String, String, String) {
    let place = Place {
        resource: match resource {
            Resource::MigrationStatus => Resource::Migration,
            other => other,
        },
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    (place.collection(), namespace.to_owned(), name.to_owned())
}

impl State {
    fn answer(&mut self, call: &Call, left_out: Option<&str>) -> Result<Value, Failure> {
        let place = &call.place;
        let key = key(place.resource, &place.namespace, &place.name);
        let found = self.objects.get(&key).cloned();
        if call.verb != Verb::Get && !call.dry_run && place.resource != Resource::Event {
            self.writes.push(format!("{:?} {place}", call.verb));
        }
        let missing = || Failure::NotFound(format!("{place} not found"));
        let conflict = |why: &str| Failure::Conflict(format!("{place}: {why}"));
        let body = call.body.clone().unwrap_or_default();
        match call.verb {
            Verb::Get => found.ok_or_else(missing),
            Verb::Create => {
                assert!(body["metadata"]["resourceVersion"].is_null());
                if found.is_some() {
                    return Err(conflict("already exists"));
                }
                let mut object = body;
                if place.resource == Resource::Migration {
                    object.as_object_mut().unwrap().remove("status");
                    if let Some(field) = left_out {
                        object["spec"].as_object_mut().unwrap().remove(field);
                    }
                }
                if place.resource == Resource::PersistentVolume {
                    assert_eq!(View(&object).policy(), "Retain");
                    object["status"] = json!({"phase": "Pending"});
                    if place.name.starts_with("flex2csi-pin-") {
                        object["metadata"]["uid"] = format!("uid-{}", self.clock).into();
                        return Ok(self.store(key, object));
                    }
                    object["metadata"]["finalizers"] = json!(["kubernetes.io/pv-protection"]);
                }
                object["metadata"]["uid"] = format!("uid-{}", self.clock).into();
                Ok(self.store(key, object))
            }
            Verb::Patch => {
                let mut object = found.ok_or_else(missing)?;
                if View(&object).version() != View(&body).version() {
                    return Err(conflict("the object has been modified"));
                }
                let mut patch = body;
                let members = patch.as_object_mut().unwrap();
                match place.resource {
                    Resource::Migration => members.remove("status"),
                    Resource::MigrationStatus => members.remove("spec"),
                    _ => None,
                };
                merge(&mut object, &patch);
                if let (Some(field), Some(status)) = (left_out, object["status"].as_object_mut()) {
                    status.remove(field);
                }
                self.queued |= place.resource == Resource::Claim;
                Ok(self.store(key, object))
            }
            Verb::Delete => {
                let mut object = found.ok_or_else(missing)?;
                let required = &body["preconditions"];
                let view = View(&object);
                if place.name.starts_with("flex2csi-pin-") {
                    if required["uid"] != view.uid()
                        || required["resourceVersion"] != view.version()
                    {
                        return Err(conflict("the precondition does not hold"));
                    }
                    // Kubelet ends a pod that it runs; the rest waits for that.
                    let waits = place.resource != Resource::Pod || view.phase() == "Running";
                    object["metadata"]["deletionTimestamp"] = "now".into();
                    object["metadata"]["finalizers"] = match waits {
                        true => json!(["in-use"]),
                        false => json!([]),
                    };
                    return Ok(self.store(key, object));
                }
                if required["uid"] != view.uid() || required["resourceVersion"] != view.version() {
                    return Err(conflict("the precondition does not hold"));
                }
                assert_eq!(view.policy(), "Retain");
                assert_eq!(body["propagationPolicy"], "Orphan");
                let mut finalizers: Vec<&str> = view.finalizers().collect();
                finalizers.push("orphan");
                let finalizers = json!(finalizers);
                object["metadata"]["finalizers"] = finalizers;
                object["metadata"]["deletionTimestamp"] = "now".into();
                Ok(self.store(key, object))
            }
        }
    }

    fn store(&mut self, key: (String, String, String), mut object: Value) -> Value {
        self.clock += 1;
        object["metadata"]["resourceVersion"] = self.clock.to_string().into();
        let is_gone = View(&object).is_ending() && View(&object).finalizers().next().is_none();
        let glimpse = match is_gone {
            true => Glimpse::Gone,
            false => Glimpse::There(object.clone()),
        };
        let told = self.told.entry(key.clone()).or_default();
        told.push((self.clock, glimpse));
        if is_gone {
            self.objects.remove(&key);
            self.queued = true;
        } else {
            self.objects.insert(key, object.clone());
        }
        object
    }

    fn controllers(&mut self) {
        let of_volume = key(Resource::PersistentVolume, "", "data");
        let of_claim = key(Resource::Claim, "n", "c");
        let claim = self.objects.get(&of_claim).cloned();
        let mut bound = false;
        if let Some(mut volume) = self.objects.get(&of_volume).cloned() {
            let before = volume.clone();
            let view = View(&volume);
            let uid = claim.as_ref().map(|claim| View(claim).uid());
            bound = uid == Some(view.text("/spec/claimRef/uid"));
            let mut finalizers: Vec<String> = view.finalizers().map(str::to_owned).collect();
            if view.is_ending() {
                finalizers.retain(|finalizer| finalizer != "orphan");
            }
            if view.policy() == "Retain" {
                finalizers.retain(|finalizer| finalizer != "kubernetes.io/pv-controller");
            }
            volume["metadata"]["finalizers"] = json!(finalizers);
            volume["status"]["phase"] = if bound { "Bound" } else { "Released" }.into();
            if volume != before {
                self.store(of_volume, volume);
            }
        }
        if let Some(mut claim) = claim.filter(|_| std::mem::take(&mut self.queued)) {
            let phase = if bound { "Bound" } else { "Lost" };
            if View(&claim).phase() != phase {
                claim["status"]["phase"] = phase.into();
                self.store(of_claim, claim);
            }
        }
    }
}
