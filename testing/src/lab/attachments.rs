//! What became of VolumeAttachments, from first to last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tempfile::TempDir;

use super::Lab;
use crate::process::Process;
use crate::{StartError, programs};

/// Looks at every change of every VolumeAttachment until it is dropped.
#[derive(Debug)]
pub struct Attachments {
    _watch: Process,
    directory: TempDir,
}

/// One change of one VolumeAttachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The attachment's uid.
    pub uid: String,
    /// Its node.
    pub node: String,
    /// The volume's handle, or the name of its PersistentVolume.
    pub volume: String,
    /// Whether the driver has attached it.
    pub is_attached: bool,
    /// Whether it is gone with this.
    pub is_gone: bool,
}

impl Attachments {
    /// Begins to look.
    ///
    /// # Errors
    /// kubectl is not built, or does not start.
    pub fn watch(lab: &Lab) -> Result<Self, StartError> {
        let directory = tempfile::tempdir().map_err(|source| StartError::System {
            what: "no temporary directory",
            source,
        })?;
        let kubeconfig = lab.cluster.kubeconfig().display().to_string();
        let arguments = [
            "--kubeconfig",
            &kubeconfig,
            "get",
            "volumeattachments",
            "--watch",
            "--output-watch-events",
            "-o",
            "json",
        ];
        let kubectl = programs::built("kubectl")?;
        let watch = Process::start("attachments", &kubectl, arguments, directory.path())?;
        Ok(Self {
            _watch: watch,
            directory,
        })
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let log = self.directory.path().join("attachments.log");
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let events = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        // The last one may not be whole yet.
        events
            .map_while(Result::ok)
            .map(|event| read(&event))
            .collect()
    }

    /// Checks that a volume was never attached to two nodes at a time, and gives the
    /// uids of its attachments. `names` are its handle and its PersistentVolume's name.
    ///
    /// # Panics
    /// It was.
    #[track_caller]
    pub fn assert_one_node_at_a_time(&self, names: &[&str]) -> BTreeSet<String> {
        let mut attached: BTreeMap<String, String> = BTreeMap::new();
        let mut uids = BTreeSet::new();
        for seen in self.seen() {
            if !names.contains(&seen.volume.as_str()) {
                continue;
            }
            uids.insert(seen.uid.clone());
            if seen.is_attached && !seen.is_gone {
                attached.insert(seen.uid, seen.node);
            } else {
                attached.remove(&seen.uid);
            }
            let nodes: BTreeSet<&String> = attached.values().collect();
            assert!(
                nodes.len() < 2,
                "{names:?} was attached to {nodes:?} at a time"
            );
        }
        uids
    }
}

fn read(event: &Value) -> Seen {
    let text = |pointer: &str| {
        let value = event.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let handle = text("/object/spec/source/inlineVolumeSpec/csi/volumeHandle");
    let volume = if handle.is_empty() {
        text("/object/spec/source/persistentVolumeName")
    } else {
        handle
    };
    Seen {
        uid: text("/object/metadata/uid"),
        node: text("/object/spec/nodeName"),
        volume,
        is_attached: event.pointer("/object/status/attached") == Some(&Value::Bool(true)),
        is_gone: text("/type") == "DELETED",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Seen, read};

    #[test]
    fn an_attachment_of_a_legacy_volume_has_its_handle_inline() {
        let event = json!({
            "type": "MODIFIED",
            "object": {
                "metadata": { "uid": "u" },
                "spec": {
                    "nodeName": "node-1",
                    "source": { "inlineVolumeSpec": { "csi": { "volumeHandle": "vol-1" } } },
                },
                "status": { "attached": true },
            },
        });
        let seen = Seen {
            uid: "u".to_owned(),
            node: "node-1".to_owned(),
            volume: "vol-1".to_owned(),
            is_attached: true,
            is_gone: false,
        };
        assert_eq!(read(&event), seen);
    }
}
