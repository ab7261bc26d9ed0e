//! In-tree volumes that the cluster serves through CSI.

use std::collections::BTreeSet;

use flex2csi_translators::in_tree;
use flex2csi_translators::plan::VolumeFacts;
use serde_json::Value;

use super::{Subject, Teller};
use crate::objects::source::Source;
use crate::plan::evidence::Attachment;

const MIGRATED_TO: &str = "pv.kubernetes.io/migrated-to";

impl Teller<'_> {
    /// Whether the cluster serves the volume through CSI, and by the very
    /// specification that would be stored.
    pub(super) fn runtime(
        &self,
        subject: &Subject<'_>,
        facts: &VolumeFacts,
        runtime: Option<&str>,
    ) -> Option<Result<(), String>> {
        let Source::InTree { field } = subject.source else {
            return None;
        };
        let plugin = in_tree::plugin_of_member(field)?;
        let used_on = facts.pods.iter().map(|pod| pod.node.as_str());
        let attached_to = facts.attachments.iter().map(|(_, node)| node.as_str());
        let held_by = facts.held_by.iter().map(String::as_str);
        let nodes = used_on.chain(attached_to).chain(held_by);
        let nodes: BTreeSet<&str> = nodes.filter(|name| !name.is_empty()).collect();
        for name in &nodes {
            let node = self.evidence.nodes.named(name)?;
            if !node.migrated.contains(plugin) || !node.drivers.contains(subject.driver) {
                return None;
            }
        }
        let name = &subject.volume.metadata.name;
        let served = match subject.volume.metadata.annotations.get(MIGRATED_TO) {
            Some(driver) => driver == subject.driver,
            // The controller marks none that was made by hand.
            None => is_attached_by(subject.driver, self.evidence.attachments.of(name), &nodes),
        };
        if !served {
            return None;
        }
        Some(same_specification(runtime?, subject.stored_json))
    }
}

/// Whether a CSI driver attached a volume to each of the nodes where it is used, and nobody
/// else did. What serves a node's in-tree volumes through CSI is said by the same annotation
/// to the controller that attaches and to whoever reads it here: kubelet's, of its CSINode
/// (kubernetes v1.36 `pkg/controller/volume/attachdetach/util/util.go`,
/// `isCSIMigrationSupportedOnNode`); the one that marks volumes with
/// `pv.kubernetes.io/migrated-to` leaves out those without `provisioned-by`
/// (`pkg/controller/volume/persistentvolume/pv_controller_base.go`,
/// `updateMigrationAnnotations`).
fn is_attached_by(driver: &str, attachments: &[Attachment], nodes: &BTreeSet<&str>) -> bool {
    let by_it = attachments.iter().all(|one| *one.attacher == *driver);
    let everywhere = nodes
        .iter()
        .all(|node| attachments.iter().any(|one| *one.node == **node));
    by_it && everywhere && !attachments.is_empty()
}

/// Whether two volumes have one specification: else in which members they differ.
fn same_specification(runtime: &str, stored: &str) -> Result<(), String> {
    let read = |json: &str| -> Value {
        let mut object: Value = serde_json::from_str(json).unwrap_or_default();
        object["spec"].take()
    };
    let (runtime, stored) = (read(runtime), read(stored));
    let (Some(runtime), Some(stored)) = (runtime.as_object(), stored.as_object()) else {
        return Err("its specification cannot be compared".to_owned());
    };
    let mut differ: Vec<&str> = runtime
        .iter()
        .filter(|(key, value)| stored.get(*key) != Some(*value))
        .chain(stored.iter().filter(|(key, _)| !runtime.contains_key(*key)))
        .map(|(key, _)| key.as_str())
        .collect();
    if differ.is_empty() {
        return Ok(());
    }
    differ.sort_unstable();
    Err(format!(
        "what the cluster makes of it differs from what would be stored in spec.{}",
        differ.join(", spec.")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_made_by_hand_is_served_where_the_driver_itself_attached_it() {
        let attached = |attacher: &str, node: &str| Attachment {
            name: "csi-1".into(),
            node: node.into(),
            attacher: attacher.into(),
        };
        let is = |attachments: &[Attachment], nodes: &[&str]| {
            is_attached_by("d", attachments, &nodes.iter().copied().collect())
        };
        assert!(is(&[attached("d", "a")], &["a"]));
        assert!(is(&[attached("d", "a"), attached("d", "b")], &["a"]));
        assert!(!is(&[], &[]));
        assert!(!is(&[], &["a"]));
        assert!(!is(&[attached("other", "a")], &["a"]));
        assert!(!is(&[attached("d", "a"), attached("other", "a")], &["a"]));
        assert!(!is(&[attached("d", "a")], &["a", "b"]));
    }

    #[test]
    fn what_differs_is_named_and_not_shown() {
        let one = r#"{"spec":{"csi":{"driver":"d"},"mountOptions":["a"]}}"#;
        assert_eq!(same_specification(one, one), Ok(()));
        let other = r#"{"spec":{"csi":{"driver":"d"},"nodeAffinity":{}}}"#;
        let said = same_specification(one, other).unwrap_err();
        assert!(
            said.ends_with("in spec.mountOptions, spec.nodeAffinity"),
            "{said}"
        );
    }
}
