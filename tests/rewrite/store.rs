//! What an API server keeps, by its rules, and what controllers make of it at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::merge_patch::merge;

/// Objects that are served, by where they are listed: group and plural.
pub const VOLUMES: &str = "/api/v1/persistentvolumes";
pub const CLAIMS: &str = "/api/v1/persistentvolumeclaims";
pub const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
pub const MIGRATIONS: &str = "/apis/flex2csi.io/v1alpha1/volumemigrations";
pub const EVENTS: &str = "/api/v1/events";
pub const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
pub const BINDINGS: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
pub const FENCES: &str = "/apis/flex2csi.io/v1alpha1/claimfences";

/// What became of a call: the HTTP status, and the object or what is said instead.
pub type Outcome = Result<(u16, Value), (u16, String)>;

/// What a watch tells.
#[derive(Clone)]
pub struct News {
    pub version: u64,
    pub collection: String,
    pub kind: &'static str,
    pub object: Value,
}

/// The place of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub collection: String,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(collection: &str, namespace: &str, name: &str) -> Self {
        Self {
            collection: collection.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

pub struct Store {
    pub objects: BTreeMap<Key, Value>,
    /// The last of what happened.
    pub news: VecDeque<News>,
    clock: u64,
    /// Whether controllers do their part.
    pub controllers: bool,
    /// Whether the kind `VolumeMigration` is there.
    pub has_journal: bool,
    /// A field that the `VolumeMigration` of another version does not have.
    pub unknown: Option<&'static str>,
    /// Rights that whoever asks does not have, as `patch persistentvolumes`.
    pub denied: Vec<&'static str>,
    /// Objects that were written since controllers looked.
    written: BTreeSet<Key>,
    /// Claims that their controller looks at.
    queued: Vec<Key>,
}

/// Of so much is told, and no watch is further behind.
const REMEMBERED: usize = 20_000;

impl Default for Store {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            news: VecDeque::new(),
            clock: 1000,
            controllers: true,
            has_journal: true,
            unknown: None,
            denied: Vec::new(),
            written: BTreeSet::new(),
            queued: Vec::new(),
        }
    }
}

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("")
}

fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object["metadata"]["finalizers"].as_array();
    let texts = finalizers.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

impl Store {
    /// Takes an object as it stands in a manifest.
    pub fn put(&mut self, collection: &str, mut object: Value) {
        let key = Key::new(
            collection,
            text(&object, "/metadata/namespace"),
            text(&object, "/metadata/name"),
        );
        if text(&object, "/metadata/uid").is_empty() {
            object["metadata"]["uid"] = format!("uid-{}", self.clock).into();
        }
        self.store(&key, object, "ADDED");
    }

    pub fn get(&self, collection: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&Key::new(collection, namespace, name))
    }

    /// Takes an object away as if it had never been deleted by anybody.
    pub fn remove(&mut self, collection: &str, namespace: &str, name: &str) {
        let key = Key::new(collection, namespace, name);
        self.objects.remove(&key).unwrap();
    }

    pub fn list(&self, collection: &str) -> Vec<&Value> {
        let of = self.objects.range(Key::new(collection, "", "")..);
        let of = of.take_while(|(key, _)| key.collection == collection);
        of.map(|(_, object)| object).collect()
    }

    pub fn version(&self) -> u64 {
        self.clock
    }

    fn store(&mut self, key: &Key, mut object: Value, kind: &'static str) -> Value {
        self.clock += 1;
        object["metadata"]["resourceVersion"] = self.clock.to_string().into();
        let is_gone =
            !object["metadata"]["deletionTimestamp"].is_null() && finalizers(&object).is_empty();
        if is_gone {
            self.objects.remove(key);
            self.lose(&object);
        } else {
            self.objects.insert(key.clone(), object.clone());
        }
        self.written.insert(key.clone());
        if self.news.len() == REMEMBERED {
            self.news.pop_front();
        }
        self.news.push_back(News {
            version: self.clock,
            collection: key.collection.clone(),
            kind: if is_gone { "DELETED" } else { kind },
            object: object.clone(),
        });
        object
    }

    /// The controller looks at the claim of a volume that is gone.
    fn lose(&mut self, volume: &Value) {
        let claim = &volume["spec"]["claimRef"];
        if claim.is_object() {
            let (namespace, name) = (text(claim, "/namespace"), text(claim, "/name"));
            self.queued.push(Key::new(CLAIMS, namespace, name));
        }
    }

    pub fn create(&mut self, key: &Key, mut object: Value, dry_run: bool) -> Outcome {
        if !object["metadata"]["resourceVersion"].is_null() {
            return Err((400, "resourceVersion should not be set".to_owned()));
        }
        if self.objects.contains_key(key) {
            return Err((
                409,
                format!("{} {:?} already exists", key.collection, key.name),
            ));
        }
        match key.collection.as_str() {
            MIGRATIONS => {
                self.may_have(&object)?;
                object.as_object_mut().unwrap().remove("status");
            }
            VOLUMES => {
                let policy = text(&object, "/spec/persistentVolumeReclaimPolicy");
                assert_eq!(policy, "Retain", "{}", key.name);
                object["status"] = json!({"phase": "Pending"});
                object["metadata"]["finalizers"] = json!(["kubernetes.io/pv-protection"]);
            }
            _ => {}
        }
        object["metadata"]["uid"] = format!("uid-{}", self.clock).into();
        if dry_run {
            return Ok((201, object));
        }
        let stored = self.store(key, object, "ADDED");
        self.react();
        Ok((201, stored))
    }

    pub fn patch(&mut self, key: &Key, status: bool, mut patch: Value) -> Outcome {
        let Some(found) = self.objects.get(key) else {
            return Err((404, format!("{} {:?} not found", key.collection, key.name)));
        };
        let mut object = found.clone();
        let asked = text(&patch, "/metadata/resourceVersion");
        if !asked.is_empty() && asked != text(&object, "/metadata/resourceVersion") {
            return Err((409, format!("{:?}: the object has been modified", key.name)));
        }
        if key.collection == MIGRATIONS {
            let other = if status { "spec" } else { "status" };
            patch.as_object_mut().unwrap().remove(other);
        }
        self.may_have(&patch)?;
        merge(&mut object, &patch);
        if key.collection == CLAIMS {
            self.queued.push(key.clone());
        }
        let stored = self.store(key, object, "MODIFIED");
        self.react();
        Ok((200, stored))
    }

    pub fn delete(&mut self, key: &Key, options: &Value) -> Outcome {
        let Some(found) = self.objects.get(key) else {
            return Err((404, format!("{} {:?} not found", key.collection, key.name)));
        };
        let required = &options["preconditions"];
        let metadata = &found["metadata"];
        let is_replaced = [VOLUMES, CLASSES].contains(&key.collection.as_str());
        let differs = |member: &str| match &required[member] {
            Value::Null => is_replaced,
            required => *required != metadata[member],
        };
        if differs("uid") || differs("resourceVersion") {
            return Err((
                409,
                format!("{:?}: the precondition does not hold", key.name),
            ));
        }
        if !is_replaced {
            let found = found.clone();
            self.objects.remove(key);
            return Ok((200, found));
        }
        assert_eq!(options["propagationPolicy"], "Orphan");
        if key.collection == VOLUMES {
            let policy = text(found, "/spec/persistentVolumeReclaimPolicy");
            assert_eq!(policy, "Retain", "{}", key.name);
        }
        let mut object = found.clone();
        let mut finalizers = finalizers(&object);
        finalizers.push("orphan".to_owned());
        object["metadata"]["finalizers"] = json!(finalizers);
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let stored = self.store(key, object, "MODIFIED");
        self.react();
        Ok((200, stored))
    }

    /// As `fieldValidation=Strict` has it.
    fn may_have(&self, object: &Value) -> Result<(), (u16, String)> {
        for part in ["spec", "status"] {
            if let Some(field) = self.unknown
                && !object[part][field].is_null()
            {
                let problem = format!("strict decoding error: unknown field \"{part}.{field}\"");
                return Err((400, problem));
            }
        }
        Ok(())
    }

    /// Controllers look at everything, and do what they see to be done.
    pub fn work(&mut self) {
        self.written.extend(self.objects.keys().cloned());
        self.react();
    }

    /// Controllers do what they see to be done about what was written.
    fn react(&mut self) {
        if !self.controllers {
            return;
        }
        for key in std::mem::take(&mut self.written)
            .iter()
            .filter(|key| [VOLUMES, CLASSES].contains(&&*key.collection))
        {
            let Some(before) = self.objects.get(key).cloned() else {
                continue;
            };
            let mut object = before.clone();
            let mut left = finalizers(&object);
            if !object["metadata"]["deletionTimestamp"].is_null() {
                left.retain(|finalizer| finalizer != "orphan");
            }
            if key.collection == VOLUMES {
                if text(&object, "/spec/persistentVolumeReclaimPolicy") == "Retain" {
                    left.retain(|finalizer| finalizer != "kubernetes.io/pv-controller");
                }
                object["status"]["phase"] = self.phase(&object).into();
            }
            if !left.is_empty() || !object["metadata"]["finalizers"].is_null() {
                object["metadata"]["finalizers"] = json!(left);
            }
            if object != before {
                self.store(key, object, "MODIFIED");
            }
        }
        for key in std::mem::take(&mut self.queued) {
            let Some(mut claim) = self.objects.get(&key).cloned() else {
                continue;
            };
            let volume = self.get(VOLUMES, "", text(&claim, "/spec/volumeName"));
            let uid = volume.map(|volume| text(volume, "/spec/claimRef/uid"));
            let is_bound = uid == Some(text(&claim, "/metadata/uid"));
            let phase = if is_bound { "Bound" } else { "Lost" };
            if claim["status"]["phase"] != phase {
                claim["status"]["phase"] = phase.into();
                self.store(&key, claim, "MODIFIED");
            }
        }
    }

    fn phase(&self, volume: &Value) -> &'static str {
        let of = |at: &str| text(volume, &format!("/spec/claimRef/{at}"));
        if of("name").is_empty() {
            return "Available";
        }
        let claim = self.get(CLAIMS, of("namespace"), of("name"));
        match claim.map(|claim| text(claim, "/metadata/uid")) {
            Some(uid) if uid == of("uid") => "Bound",
            _ => "Released",
        }
    }
}
