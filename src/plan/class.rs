//! From a StorageClass, and what else the cluster has, to facts about it.

use flex2csi_translators::endpoint::DRIVER_SUFFIX;
use flex2csi_translators::plan::{
    ClassFacts, DriverFacts, OtherSnapshots, TargetFacts, VerdictKind,
};

use super::candidate::{Candidate, Facts};
use super::evidence::Evidence;
use super::row::{ObjectId, Options, Row, To};
use crate::digest;
use crate::objects::class::{Class, driver_of};
use crate::objects::translator::Translated;

const KIND: &str = "StorageClass";

/// The snapshots that could be restored through a class until now: of the endpoint, if
/// that is its provisioner, or of the backend, if that is to be the endpoint's.
fn other_snapshots(provisioner: &str, driver: &str, evidence: &Evidence) -> Option<OtherSnapshots> {
    let backend = driver.strip_suffix(DRIVER_SUFFIX);
    let before = [Some(provisioner), backend].into_iter().flatten();
    let mut found = before.filter_map(|before| {
        let count = evidence.snapshots.of_driver(before);
        (count > 0 && before != driver).then(|| OtherSnapshots::OfClass(before.to_owned(), count))
    });
    found.next()
}

/// What is to be found out and said about a class; nothing if it is no legacy one.
pub fn tell(
    json: &str,
    class: &Class,
    translated: Translated,
    evidence: &Evidence,
) -> Option<Candidate> {
    let changed = translated.json.is_some();
    let failed = translated
        .notes
        .iter()
        .any(|note| note.effect == flex2csi_translators::plan::Effect::Block);
    if !changed && !failed {
        return None;
    }
    let stored_json = translated.json.unwrap_or_default();
    let name = &class.metadata.name;
    let mut facts = ClassFacts {
        ownership: class.metadata.ownership(),
        notes: translated.notes,
        ..ClassFacts::default()
    };
    facts.ownership.migration = evidence.migrations.of(KIND, name);
    let driver = driver_of(&stored_json);
    if changed {
        facts.pending = evidence.claims.pending(name);
        facts.driver = DriverFacts {
            nodes: evidence.nodes.all().len(),
            anywhere: evidence.nodes.having(&driver),
            // Where its volumes will be is not known; one node with the driver will do.
            wanted: 1,
            ..DriverFacts::default()
        };
        facts.target = Some(TargetFacts {
            other_snapshots: other_snapshots(&class.provisioner, &driver, evidence),
            driver: driver.clone(),
            ..TargetFacts::default()
        });
    }
    let row = Row {
        object: ObjectId {
            kind: KIND.to_owned(),
            namespace: String::new(),
            name: name.clone(),
            uid: class.metadata.uid.clone(),
            resource_version: class.metadata.resource_version.clone(),
        },
        claim: None,
        from: class.provisioner.clone(),
        to: changed.then(|| To {
            driver,
            handle: String::new(),
            digest: digest::of_object(&stored_json).unwrap_or_default(),
        }),
        verdict: VerdictKind::Blocked,
        in_use: Default::default(),
        workloads: Vec::new(),
        findings: Vec::new(),
        options: Options::default(),
    };
    Some(Candidate {
        row,
        secrets: Vec::new(),
        new_secrets: Vec::new(),
        original: json.to_owned(),
        translated: stored_json,
        facts: Facts::Class(Box::new(facts)),
    })
}
