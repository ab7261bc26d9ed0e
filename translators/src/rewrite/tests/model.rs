//! A cluster of one object: an API server with resourceVersions, preconditions and
//! finalizers, the volume controller, whoever deletes storage, and the garbage
//! collector. Controllers act on copies that they were told of before, as theirs
//! are (kubernetes `pkg/controller/volume/persistentvolume/pv_controller.go`, v1.36:
//! `syncBoundClaim`, `syncVolume`).

use serde_json::{Value, json};

use super::merge_patch::merge;
use super::node::Node;
use crate::rewrite::{ObjectKind, Spec, Status, View};

pub(super) const DELETER: &str = "external-provisioner.volume.kubernetes.io/finalizer";
const PROTECTION: &str = "kubernetes.io/pv-protection";

/// Why the server did nothing.
#[derive(Debug, PartialEq)]
pub(super) enum No {
    Missing,
    Conflict,
}

#[derive(Debug, Clone)]
pub(super) struct Journal {
    pub(super) version: u64,
    pub(super) spec: Spec,
    pub(super) status: Status,
}

/// What the volume controller writes of the claim, decided on what it knew.
#[derive(Debug, Clone)]
struct Decided {
    version: String,
    phase: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    kind: ObjectKind,
    clock: u64,
    pub(super) object: Option<Value>,
    pub(super) claim: Option<Value>,
    pub(super) journal: Option<Journal>,
    /// Whether somebody deletes storage of volumes with policy `Delete`.
    pub(super) has_deleter: bool,
    /// What the volume controller was told of.
    known: Option<Value>,
    /// Whether the claim waits for the controller to look at it.
    queued: bool,
    decided: Option<Decided>,
    /// What the deleter was told of.
    told: Option<Value>,
    pub(super) storage_deleted: bool,
    /// Whether a pod uses the volume, where there is no node to say so.
    pub(super) is_used: bool,
    /// The node where the volume is mounted through the node daemon.
    pub(super) node: Option<Node>,
    /// What object and claim were, the last as they are.
    past: Vec<Seen>,
    /// How far behind workers are told of object and claim that begin now; without, they
    /// read.
    pub(super) lag: Option<Lag>,
}

/// An object and a claim.
type Seen = (Option<Value>, Option<Value>);

/// By how many changes one is told late of an object, and of a claim.
pub(super) type Lag = (usize, usize);

/// How much of the past a watch may be late.
const REMEMBERED: usize = 8;

impl Model {
    pub(super) fn new(kind: ObjectKind, object: Value, claim: Option<Value>) -> Self {
        Self {
            kind,
            clock: 100,
            known: Some(object.clone()),
            told: Some(object.clone()),
            object: Some(object),
            claim,
            journal: None,
            has_deleter: false,
            queued: false,
            decided: None,
            storage_deleted: false,
            is_used: false,
            node: None,
            past: Vec::new(),
            lag: None,
        }
    }

    /// Takes note of how things are, for those who are told late.
    pub(super) fn remember(&mut self) {
        let last = self.past.last();
        if last.is_some_and(|(object, claim)| *object == self.object && *claim == self.claim) {
            return;
        }
        self.past.push((self.object.clone(), self.claim.clone()));
        if self.past.len() > REMEMBERED {
            self.past.remove(0);
        }
    }

    /// Object and claim as they were some changes ago.
    pub(super) fn glimpse(&self, (object, claim): Lag) -> Seen {
        let past = |ago| self.past.iter().rev().nth(ago).or(self.past.first());
        (
            past(object).and_then(|seen| seen.0.clone()),
            past(claim).and_then(|seen| seen.1.clone()),
        )
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// A write of the object; without finalizers a deleted one is gone.
    fn store(&mut self, mut object: Value) -> Value {
        let version = self.tick();
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let view = View(&object);
        if view.is_ending() && view.finalizers().next().is_none() {
            self.object = None;
        } else {
            self.object = Some(object.clone());
        }
        object
    }

    fn live(&self, version: &str) -> Result<Value, No> {
        let object = self.object.clone().ok_or(No::Missing)?;
        if View(&object).version() == version {
            Ok(object)
        } else {
            Err(No::Conflict)
        }
    }

    pub(super) fn patch(&mut self, patch: &Value) -> Result<Value, No> {
        let version = View(patch).version().to_owned();
        let mut object = self.live(&version)?;
        merge(&mut object, patch);
        Ok(self.store(object))
    }

    pub(super) fn patch_claim(&mut self, patch: &Value) -> Result<Value, No> {
        let claim = self.claim.as_mut().ok_or(No::Missing)?;
        if View(claim).version() != View(patch).version() {
            return Err(No::Conflict);
        }
        merge(claim, patch);
        self.clock += 1;
        claim["metadata"]["resourceVersion"] = self.clock.to_string().into();
        self.queued = true;
        Ok(claim.clone())
    }

    pub(super) fn delete(&mut self, uid: &str, version: &str) -> Result<Value, No> {
        let mut object = self.live(version)?;
        if View(&object).uid() != uid {
            return Err(No::Conflict);
        }
        let view = View(&object);
        if self.kind == ObjectKind::PersistentVolume {
            assert_eq!(
                view.policy(),
                "Retain",
                "deleted while its storage is not safe"
            );
            assert!(view.finalizers().all(|finalizer| finalizer != DELETER));
        }
        if !view.is_ending() {
            object["metadata"]["deletionTimestamp"] = "now".into();
            let mut finalizers: Vec<String> =
                View(&object).finalizers().map(str::to_owned).collect();
            finalizers.push("orphan".into());
            object["metadata"]["finalizers"] = json!(finalizers);
        }
        Ok(self.store(object))
    }

    pub(super) fn create(&mut self, body: &Value) -> Result<Value, No> {
        if self.object.is_some() {
            return Err(No::Conflict);
        }
        let mut object = body.clone();
        let metadata = &object["metadata"];
        for set_by_server in [
            "uid",
            "resourceVersion",
            "deletionTimestamp",
            "creationTimestamp",
        ] {
            assert!(metadata[set_by_server].is_null(), "{set_by_server} is sent");
        }
        assert!(object["status"].is_null());
        if self.kind == ObjectKind::PersistentVolume {
            assert_eq!(View(&object).policy(), "Retain");
            let claim = self.claim.as_ref().map(|claim| View(claim).uid());
            let of_object = View(&object).text("/spec/claimRef/uid");
            assert_eq!(
                Some(of_object),
                claim,
                "created for a claim that is not there"
            );
            let sources = ["csi", "flexVolume"].iter();
            let sources = sources.filter(|source| object["spec"][**source].is_object());
            assert_eq!(sources.count(), 1, "{object}");
            let mut finalizers: Vec<String> =
                View(&object).finalizers().map(str::to_owned).collect();
            finalizers.push(PROTECTION.into());
            object["metadata"]["finalizers"] = json!(finalizers);
            object["status"] = json!({"phase": "Pending"});
        }
        let uid = self.tick();
        object["metadata"]["uid"] = format!("uid-{uid}").into();
        Ok(self.store(object))
    }

    /// Everybody else has a turn.
    pub(super) fn settle(&mut self) {
        for _ in 0..4 {
            for turn in 0..TURNS {
                self.turn(turn);
            }
        }
    }

    /// One controller has a turn.
    pub(super) fn turn(&mut self, which: u8) {
        self.remember();
        self.takes_turn(which);
        self.remember();
    }

    fn takes_turn(&mut self, which: u8) {
        if self.kind != ObjectKind::PersistentVolume {
            return self.collect_garbage();
        }
        match which % TURNS {
            0 => self.tell_controller(),
            1 => self.bind_volume(),
            2 => self.decide_claim(),
            3 => self.write_claim(),
            4 => self.told = self.object.clone(),
            5 => self.delete_storage(),
            6 => self.collect_garbage(),
            7 => self.protect(),
            which => {
                let is_csi = self.object.as_ref().is_some_and(|object| {
                    object["spec"]["csi"].is_object() && View(object).phase() == "Bound"
                });
                if let Some(node) = &mut self.node {
                    node.turn(which - 8, is_csi);
                }
            }
        }
    }

    fn tell_controller(&mut self) {
        let was = self.known.take();
        self.known = self.object.clone();
        // Only a volume that goes makes it look at its claim.
        if was.is_some() && self.known.as_ref().map(uid) != was.as_ref().map(uid) {
            self.queued = true;
        }
    }

    fn bind_volume(&mut self) {
        let Some(known) = self.known.clone() else {
            return;
        };
        let of_claim = View(&known).text("/spec/claimRef/uid").to_owned();
        let claim = self
            .claim
            .as_ref()
            .map(|claim| View(claim).uid().to_owned());
        let phase = match claim {
            Some(uid) if uid == of_claim => "Bound",
            _ => "Released",
        };
        let Ok(mut object) = self.live(View(&known).version()) else {
            return;
        };
        if View(&object).phase() != phase {
            object["status"]["phase"] = phase.into();
            self.known = Some(self.store(object));
        }
    }

    fn decide_claim(&mut self) {
        let Some(claim) = self.claim.as_ref().filter(|_| self.queued) else {
            return;
        };
        self.queued = false;
        let of_volume = self
            .known
            .as_ref()
            .map(|known| View(known).text("/spec/claimRef/uid"));
        let phase = if of_volume == Some(View(claim).uid()) {
            "Bound"
        } else {
            "Lost"
        };
        self.decided = Some(Decided {
            version: View(claim).version().to_owned(),
            phase,
        });
    }

    fn write_claim(&mut self) {
        let (Some(decided), Some(claim)) = (self.decided.take(), self.claim.as_mut()) else {
            return;
        };
        if View(claim).version() != decided.version || View(claim).phase() == decided.phase {
            return;
        }
        claim["status"]["phase"] = decided.phase.into();
        self.clock += 1;
        claim["metadata"]["resourceVersion"] = self.clock.to_string().into();
        // It hears of its own write as well.
        self.queued = true;
    }

    fn delete_storage(&mut self) {
        let Some(told) = self.told.clone().filter(|_| self.has_deleter) else {
            return;
        };
        let view = View(&told);
        let is_bound = view.phase() == "Bound";
        if view.policy() == "Delete" && view.phase() == "Released" {
            self.storage_deleted = true;
        }
        let Ok(mut object) = self.live(view.version()) else {
            return;
        };
        let mut finalizers: Vec<&str> = view.finalizers().collect();
        let has = finalizers.contains(&DELETER);
        if view.policy() == "Delete" && is_bound && !view.is_ending() && !has {
            finalizers.push(DELETER);
        } else if view.policy() != "Delete" && has {
            finalizers.retain(|finalizer| *finalizer != DELETER);
        } else {
            return;
        }
        object["metadata"]["finalizers"] = json!(finalizers);
        self.told = Some(self.store(object));
    }

    fn collect_garbage(&mut self) {
        self.take_off("orphan", |_| true);
    }

    fn protect(&mut self) {
        self.take_off(PROTECTION, |object| object.phase() != "Bound");
    }

    fn take_off(&mut self, finalizer: &str, when: impl Fn(View<'_>) -> bool) {
        let Some(mut object) = self.object.clone() else {
            return;
        };
        let view = View(&object);
        if !view.is_ending() || !when(view) || !view.finalizers().any(|has| has == finalizer) {
            return;
        }
        let rest: Vec<&str> = view.finalizers().filter(|has| *has != finalizer).collect();
        object["metadata"]["finalizers"] = json!(rest);
        self.store(object);
    }
}

/// How many controllers there are.
pub(super) const TURNS: u8 = 12;

fn uid(object: &Value) -> String {
    View(object).uid().to_owned()
}
