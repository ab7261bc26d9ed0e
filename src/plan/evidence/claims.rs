use std::collections::{BTreeMap, HashMap, HashSet};

use flex2csi_translators::plan::{AttributesClass, ClaimFacts};

use crate::digest::Key;
use crate::objects::claim::Claim;

/// The claims that legacy volumes name, and those that wait for a volume.
#[derive(Debug, Default)]
pub struct Claims {
    wanted: HashSet<Key>,
    found: HashMap<Key, ClaimRecord>,
    pending: BTreeMap<String, (usize, String)>,
}

/// What is remembered of a claim.
#[derive(Debug)]
pub struct ClaimRecord {
    /// Its uid.
    pub uid: Box<str>,
    volume: Box<str>,
    bound: bool,
    lost: bool,
    deleting: bool,
    resize: Option<Box<str>>,
    attributes_class: Option<AttributesClass>,
}

impl Claims {
    /// Has a claim remembered when it is read.
    pub fn want(&mut self, namespace: &str, name: &str) {
        self.wanted.insert(Key::of(&[namespace, name]));
    }

    /// Whether a legacy volume names it.
    pub fn is_wanted(&self, namespace: &str, name: &str) -> bool {
        self.wanted.contains(&Key::of(&[namespace, name]))
    }

    /// Takes note of a claim.
    pub fn add(&mut self, claim: &Claim) {
        let (namespace, name) = (&claim.metadata.namespace, &claim.metadata.name);
        if claim.volume().is_empty() && !claim.class().is_empty() {
            let example = || (0, format!("{namespace}/{name}"));
            let pending = self.pending.entry(claim.class().to_owned());
            pending.or_insert_with(example).0 += 1;
        }
        let key = Key::of(&[namespace, name]);
        if !self.wanted.contains(&key) {
            return;
        }
        let record = ClaimRecord {
            uid: claim.metadata.uid.as_str().into(),
            volume: claim.volume().into(),
            bound: claim.phase() == "Bound",
            lost: claim.phase() == "Lost",
            deleting: claim.metadata.deletion_timestamp.is_some(),
            resize: claim.resize().map(String::into_boxed_str),
            attributes_class: claim.attributes_class(),
        };
        self.found.insert(key, record);
    }

    /// What is known of a claim.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&ClaimRecord> {
        self.found.get(&Key::of(&[namespace, name]))
    }

    /// Claims that wait for volumes of a class: how many, and one of them.
    pub fn pending(&self, class: &str) -> Option<(usize, String)> {
        self.pending.get(class).cloned()
    }
}

impl ClaimRecord {
    /// What that means to the volume that names it, with a uid.
    pub fn facts(&self, name: String, volume: &str, uid: &str) -> ClaimFacts {
        ClaimFacts {
            name,
            mutual: *self.uid == *uid && *self.volume == *volume,
            bound: self.bound,
            lost: self.lost,
            deleting: self.deleting,
            resize: self.resize.as_deref().map(str::to_owned),
            attributes_class: self.attributes_class.clone(),
        }
    }
}
