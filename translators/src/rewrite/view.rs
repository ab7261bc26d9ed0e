//! Looking into objects of the API. What is not of the type that the API gives it
//! counts as not there.

use serde_json::Value;

use super::names::{POLICY, RETAIN};

/// An object, read only.
#[derive(Debug, Clone, Copy)]
pub struct View<'a>(pub &'a Value);

impl<'a> View<'a> {
    /// The text at a JSON pointer, empty without one.
    pub fn text(self, at: &str) -> &'a str {
        self.0.pointer(at).and_then(Value::as_str).unwrap_or("")
    }

    /// `metadata.uid`
    pub fn uid(self) -> &'a str {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`
    pub fn version(self) -> &'a str {
        self.text("/metadata/resourceVersion")
    }

    /// `status.phase`
    pub fn phase(self) -> &'a str {
        self.text("/status/phase")
    }

    /// Whether it was deleted, and only finalizers keep it.
    pub fn is_ending(self) -> bool {
        !self.text("/metadata/deletionTimestamp").is_empty()
    }

    /// An annotation.
    pub fn annotation(self, name: &str) -> Option<&'a str> {
        self.0["metadata"]["annotations"].get(name)?.as_str()
    }

    /// `metadata.finalizers`
    pub fn finalizers(self) -> impl Iterator<Item = &'a str> {
        let list = self.0["metadata"]["finalizers"].as_array();
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// `spec.persistentVolumeReclaimPolicy`; `Retain` is the API's default.
    pub fn policy(self) -> &'a str {
        match self.text("/spec/persistentVolumeReclaimPolicy") {
            "" => RETAIN,
            policy => policy,
        }
    }

    /// The policy that a volume is to have once nothing is under way: who sets another
    /// than `Retain` while something is means that one.
    pub fn policy_meant(self) -> &'a str {
        match (self.policy(), self.annotation(POLICY)) {
            (RETAIN, Some(meant)) => meant,
            (policy, _) => policy,
        }
    }
}
