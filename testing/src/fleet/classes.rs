//! The StorageClasses of a fleet, which a rewrite replaces as it does volumes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::create::Translation;
use super::{Expect, Fleet, Untrue, kinds, surroundings, text};

/// What stays as it was, whatever provisions.
const KEPT: [&str; 4] = [
    "/reclaimPolicy",
    "/volumeBindingMode",
    "/allowVolumeExpansion",
    "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
];

/// What of the classes is not as their records say. Who keeps no record leaves them alone.
pub fn findings(
    fleet: &Fleet,
    there: &BTreeMap<String, Value>,
    records: &BTreeMap<String, Value>,
    expect: Expect,
) -> Result<Vec<String>, Untrue> {
    let translation = Translation::new(fleet.values())?;
    let mut findings = Vec::new();
    for was in surroundings::storage_classes(&kinds()) {
        let name = text(&was, "/metadata/name");
        let record = records.get(&format!("sc-{name}"));
        let step = record.map_or("", |record| text(record, "/status/step"));
        let is_interrupted = expect == Expect::Either && !matches!(step, "" | "Done");
        let Some(class) = there.get(name) else {
            if !is_interrupted {
                findings.push(format!("StorageClass {name} is gone"));
            }
            continue;
        };
        let forward = step == "Done"
            && record.is_some_and(|record| text(record, "/status/direction") == "Forward");
        let provisions = |object: &Value| {
            let parameters = object["parameters"].as_object().cloned();
            (
                text(object, "/provisioner").to_owned(),
                parameters.unwrap_or_default(),
            )
        };
        let expected = match (forward, expect) {
            (true, Expect::ViaEndpoint) => provisions(&translation.via_endpoint(&was)?),
            (true, _) => provisions(&translation.of(&was)?),
            (false, _) => provisions(&was),
        };
        if provisions(class) != expected && !is_interrupted {
            findings.push(format!(
                "StorageClass {name} provisions by {:?} and not by {expected:?}",
                provisions(class)
            ));
        }
        for pointer in KEPT {
            if class.pointer(pointer) != was.pointer(pointer) {
                findings.push(format!("StorageClass {name} has another {pointer}"));
            }
        }
        if !text(class, "/metadata/deletionTimestamp").is_empty() {
            findings.push(format!("StorageClass {name} is being deleted"));
        }
    }
    Ok(findings)
}
