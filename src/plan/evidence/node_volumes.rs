//! What the node daemons publish: `NodeVolumes`, in `deploy/crds`.

use std::collections::HashMap;

use flex2csi_translators::attachment::is_fresh;
use flex2csi_translators::plan::{Mount, MountState};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::Nodes;
use crate::digest::Key;
use crate::objects::metadata::Metadata;

/// What the node daemons have mounted of volumes.
#[derive(Debug, Default)]
pub struct NodeVolumes {
    /// What each node says, by its number.
    words: HashMap<String, Word>,
    mounts: HashMap<Key, Vec<Record>>,
}

/// Whether a node's word can be gone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is fresh, and of the node's present boot.
    Fresh,
    /// It is too old, from a time that is yet to come, or of an earlier boot.
    Stale,
    /// There is none.
    Silent,
}

#[derive(Debug)]
struct Record {
    node: Box<str>,
    pod_uid: Box<str>,
    what: What,
}

#[derive(Debug)]
enum What {
    Original,
    Shim { volume: Key, state: Box<str> },
}

/// A NodeVolumes object.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Object {
    metadata: Metadata,
    #[serde(rename = "bootID")]
    boot_id: String,
    renew_time: String,
    renew_seconds: i64,
    shim: Vec<Shim>,
    original: Vec<Original>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shim {
    driver: String,
    handle: String,
    pv: String,
    #[serde(rename = "podUID")]
    pod_uid: String,
    state: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Original {
    pv: String,
    #[serde(rename = "podUID")]
    pod_uid: String,
}

impl Object {
    fn word(&self, nodes: &Nodes, now: Timestamp) -> Word {
        let boot = nodes
            .named(&self.metadata.name)
            .map(|node| node.boot_id.as_str());
        if boot.is_some_and(|boot| !boot.is_empty() && boot != self.boot_id) {
            return Word::Stale;
        }
        let Ok(renewed) = self.renew_time.parse::<Timestamp>() else {
            return Word::Stale;
        };
        let (renewed, now) = (renewed.as_millisecond(), now.as_millisecond());
        let seconds = u32::try_from(self.renew_seconds).unwrap_or_default();
        match is_fresh(renewed, now, seconds) {
            true => Word::Fresh,
            false => Word::Stale,
        }
    }
}

impl NodeVolumes {
    /// Takes note of what a node says. It comes after the nodes.
    pub fn add(&mut self, object: Object, nodes: &Nodes, now: Timestamp) {
        let word = object.word(nodes, now);
        let node = object.metadata.name;
        for shim in object.shim {
            let volume = Key::of(&[&shim.driver, &shim.handle]);
            let record = |what| Record {
                node: node.as_str().into(),
                pod_uid: shim.pod_uid.as_str().into(),
                what,
            };
            let state: Box<str> = shim.state.as_str().into();
            // An inline volume has no PersistentVolume; by its handle it may be
            // somebody's all the same.
            let key = match shim.pv.as_str() {
                "" => volume,
                pv => Key::of(&[pv]),
            };
            let records = self.mounts.entry(key).or_default();
            records.push(record(What::Shim { volume, state }));
        }
        for original in object.original {
            let record = Record {
                node: node.as_str().into(),
                pod_uid: original.pod_uid.as_str().into(),
                what: What::Original,
            };
            let key = Key::of(&[&original.pv]);
            self.mounts.entry(key).or_default().push(record);
        }
        self.words.insert(node, word);
    }

    /// Whether a node's word can be gone by.
    pub fn word(&self, node: &str) -> Word {
        self.words.get(node).copied().unwrap_or(Word::Silent)
    }

    /// What nodes have mounted of a volume that is to have this handle.
    pub fn mounts(&self, pv: &str, driver: &str, handle: &str) -> Vec<Mount> {
        let volume = Key::of(&[driver, handle]);
        let by_name = self.mounts.get(&Key::of(&[pv])).into_iter().flatten();
        let by_handle = self.mounts.get(&volume).into_iter().flatten();
        by_name
            .chain(by_handle)
            .map(|record| Mount {
                node: record.node.to_string(),
                pod_uid: record.pod_uid.to_string(),
                state: match &record.what {
                    What::Original => MountState::Original,
                    What::Shim { volume: other, .. } if *other != volume => MountState::OtherHandle,
                    What::Shim { state, .. } if &**state == "Mounted" => MountState::Shim,
                    What::Shim { state, .. } => MountState::Changing(state.to_string()),
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(json: &str) -> Word {
        let mut nodes = Nodes::default();
        let node = r#"{"metadata":{"name":"a"},"status":{"nodeInfo":{"bootID":"b"}}}"#;
        nodes.add(serde_json::from_str(node).unwrap());
        let mut volumes = NodeVolumes::default();
        let now = "2026-01-01T00:10:00Z".parse().unwrap();
        volumes.add(serde_json::from_str(json).unwrap(), &nodes, now);
        volumes.word("a")
    }

    #[test]
    fn a_word_is_good_for_three_renewals_of_one_boot() {
        let object = |boot: &str, time: &str| {
            format!(
                r#"{{"metadata":{{"name":"a"}},"bootID":"{boot}","renewTime":"{time}","renewSeconds":60}}"#
            )
        };
        assert_eq!(word(&object("b", "2026-01-01T00:07:00Z")), Word::Fresh);
        assert_eq!(word(&object("b", "2026-01-01T00:06:59Z")), Word::Stale);
        assert_eq!(word(&object("c", "2026-01-01T00:09:59Z")), Word::Stale);
        assert_eq!(word(&object("b", "yesterday")), Word::Stale);
        // From a clock that is far ahead it would count long after its node fell silent.
        assert_eq!(word(&object("b", "2026-01-01T00:13:00Z")), Word::Fresh);
        assert_eq!(word(&object("b", "2026-01-01T00:13:01Z")), Word::Stale);
        assert_eq!(NodeVolumes::default().word("a"), Word::Silent);
    }
}
