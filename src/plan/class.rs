//! From a StorageClass, and what else the cluster has, to facts about it.

use flex2csi_translators::plan::{ClassFacts, DriverFacts, Target, VerdictKind};
use serde::Deserialize;

use super::candidate::{Candidate, Facts};
use super::evidence::Evidence;
use super::row::{ObjectId, Options, Row, To};
use crate::digest;
use crate::objects::metadata::Metadata;
use crate::objects::translator::Translated;

const KIND: &str = "StorageClass";

/// A StorageClass, as it is or as it would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Class {
    /// `metadata`
    pub metadata: Metadata,
    /// Who makes volumes of it.
    pub provisioner: String,
    /// `parameters`
    pub parameters: Option<Parameters>,
}

/// Which of its parameters matter to a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// Everest has one provisioner for all its drivers, and names the driver here.
    #[serde(rename = "csi.storage.k8s.io/csi-driver-name")]
    pub driver: Option<String>,
}

impl Class {
    /// The CSI driver of its volumes: the provisioner by its name, mostly.
    fn driver(self) -> String {
        let named = self.parameters.and_then(|parameters| parameters.driver);
        named.unwrap_or(self.provisioner)
    }
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
    let stored: Class = serde_json::from_str(&stored_json).unwrap_or_default();
    let name = &class.metadata.name;
    let mut facts = ClassFacts {
        ownership: class.metadata.ownership(),
        notes: translated.notes,
        ..ClassFacts::default()
    };
    facts.ownership.migration = evidence.migrations.of(KIND, name);
    let driver = stored.driver();
    if changed {
        facts.pending = evidence.claims.pending(name);
        facts.driver = DriverFacts {
            nodes: evidence.nodes.all().len(),
            anywhere: evidence.nodes.having(&driver),
            // Where its volumes will be is not known; one node with the driver will do.
            wanted: 1,
            ..DriverFacts::default()
        };
        facts.target = Some(Target {
            driver: driver.clone(),
            ..Target::default()
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

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn a_provisioner_of_several_drivers_is_none_of_them() {
        let driver = |json: &str| serde_json::from_str::<Class>(json).unwrap().driver();
        let everest = r#"{"provisioner": "everest-csi-provisioner", "parameters": {
            "csi.storage.k8s.io/csi-driver-name": "disk.csi.everest.io"}}"#;
        assert_eq!(driver(everest), "disk.csi.everest.io");
        for ebs in [
            r#"{"provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3"}}"#,
            r#"{"provisioner": "ebs.csi.aws.com", "parameters": null}"#,
            r#"{"provisioner": "ebs.csi.aws.com"}"#,
        ] {
            assert_eq!(driver(ebs), "ebs.csi.aws.com");
        }
    }
}
