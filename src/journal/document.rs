//! A `VolumeMigration` as JSON.

use flex2csi_translators::rewrite::{ClaimId, Direction, PinSettings, Record, Spec, Status, Step};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{API_VERSION, KIND, name_of};

/// The phase of what its holder goes on with no more.
const STOPPED: &str = "Stopped";

/// A record as it stands in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion`.
    pub version: String,
    /// What it says.
    pub spec: Spec,
    /// Where it is; the default before anything was written.
    pub status: Status,
    /// Whether the last that its holder did was to say why it goes on no more.
    pub is_let_go: bool,
}

/// Why a `VolumeMigration` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "VolumeMigration {name} cannot be read: {source}; was it written by another version of flex2csi?"
)]
pub struct DocumentError {
    name: String,
    source: serde_json::Error,
}

/// What stands in the way of a rewrite, for its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In one word.
    pub reason: String,
    /// In full.
    pub message: String,
}

/// What is left to do of a volume that was rewritten under its pods.
const POLICY_IS_DUE: &str =
    "its policy stays Retain until its pods are gone; run `flex2csi rewrite` once more then";

impl Document {
    /// Reads a record.
    ///
    /// # Errors
    /// It is not what this version writes.
    pub fn read(object: &Value) -> Result<Self, DocumentError> {
        let text = |at: &str| {
            let text = object.pointer(at).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let name = text("/metadata/name");
        let wrong = |source| DocumentError {
            name: name.clone(),
            source,
        };
        let spec = Spec::deserialize(&object["spec"]).map_err(wrong)?;
        let status = match &object["status"] {
            Value::Null => Status::default(),
            status => Status::deserialize(status).map_err(wrong)?,
        };
        let is_let_go = status.id == spec.id && text("/status/phase") == STOPPED;
        Ok(Self {
            is_let_go,
            uid: text("/metadata/uid"),
            version: text("/metadata/resourceVersion"),
            name,
            spec,
            status,
        })
    }

    /// Whether nothing is left to do, not even later.
    pub fn is_settled(&self) -> bool {
        self.is_finished() && !self.status.policy_is_due
    }

    /// Whether nothing is under way.
    pub fn is_finished(&self) -> bool {
        self.status.id == self.spec.id && self.status.step == Step::Done
    }
}

/// The record of a rewrite that begins, to be created.
pub fn new(record: &Record) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name_of(record.spec.kind, &record.spec.name)},
        "spec": record.spec,
    })
}

/// A merge patch that takes the place of an old record, of which the `spec` is given.
pub fn replacement(record: &Record, version: &str, old: &Value) -> Value {
    let spec = instead(old, json!(record.spec));
    json!({"metadata": {"resourceVersion": version}, "spec": spec})
}

/// A merge patch that leaves nothing of what was there.
fn instead(old: &Value, mut new: Value) -> Value {
    if let (Some(old), Some(new)) = (old.as_object(), new.as_object_mut()) {
        for (member, old) in old {
            let instead = match new.remove(member) {
                Some(new) => instead(old, new),
                None => Value::Null,
            };
            new.insert(member.clone(), instead);
        }
    }
    new
}

/// A merge patch that makes a worker the holder, and has it make pins as it is told to.
pub fn takeover(holder: &str, version: &str, pins: Option<&PinSettings>) -> Value {
    let mut spec = json!({"holder": holder});
    if let Some(pins) = pins {
        spec["pins"] = json!({
            "namespace": pins.namespace,
            "image": pins.image,
            "priorityClass": pins.priority_class,
        });
    }
    json!({"metadata": {"resourceVersion": version}, "spec": spec})
}

/// A merge patch that notes the claim that a volume was bound to since.
pub fn bound(claim: &ClaimId, version: &str) -> Value {
    json!({"metadata": {"resourceVersion": version}, "spec": {"claim": claim}})
}

/// A merge patch of the status.
pub fn status(record: &Record, status: &Status, version: &str, trouble: Option<&Trouble>) -> Value {
    let now = now();
    let mut patch = json!(status);
    for optional in ["replaces", "resourceVersion", "body", "uid", "policyIsDue"] {
        if patch.get(optional).is_none() {
            patch[optional] = Value::Null;
        }
    }
    patch["renewTime"] = now.clone().into();
    patch["phase"] = phase(status, trouble).into();
    if *status != record.status || record.status.step == Step::Recorded {
        let time = match status.step {
            Step::Recorded => "recordedTime",
            Step::Committed => "committedTime",
            Step::Done => "finishedTime",
        };
        if *status != record.status {
            patch[time] = now.clone().into();
        }
    }
    let (is_done, reason, message) = match (trouble, status.step) {
        (Some(trouble), _) => ("False", trouble.reason.as_str(), trouble.message.clone()),
        (None, Step::Done) if status.policy_is_due => ("True", "Done", POLICY_IS_DUE.to_owned()),
        (None, Step::Done) => ("True", "Done", String::new()),
        (None, _) => ("False", "UnderWay", String::new()),
    };
    patch["conditions"] = json!([{
        "type": "Complete",
        "status": is_done,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
    }]);
    json!({"metadata": {"resourceVersion": version}, "status": patch})
}

/// In one word, for people.
fn phase(status: &Status, trouble: Option<&Trouble>) -> &'static str {
    if trouble.is_some() {
        return STOPPED;
    }
    match (status.direction, status.step) {
        (Direction::Forward, Step::Recorded) => "Preparing",
        (Direction::Forward, Step::Committed) => "Replacing",
        (Direction::Forward, Step::Done) => "Rewritten",
        (Direction::Back, Step::Recorded) => "PreparingBack",
        (Direction::Back, Step::Committed) => "RollingBack",
        (Direction::Back, Step::Done) => "RolledBack",
    }
}

/// Now, as the API writes it.
pub fn now() -> String {
    let now = Timestamp::now();
    format!("{now:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(phase: &str, status_id: &str) -> Document {
        let spec = json!({
            "kind": "PersistentVolume", "name": "a", "id": "i", "uid": "u", "holder": "h",
            "original": "{}", "restore": "{}", "translated": "{}",
        });
        let status = json!({"id": status_id, "phase": phase, "step": "Recorded"});
        Document::read(&json!({"metadata": {"name": "pv-a"}, "spec": spec, "status": status}))
            .unwrap()
    }

    #[test]
    fn nothing_of_an_old_record_is_left() {
        let old = json!({"a": {"b": "1", "c": "2"}, "d": "3", "list": [1, 2]});
        let new = json!({"a": {"b": "4", "e": {"f": "5"}}, "list": [3]});
        assert_eq!(
            instead(&old, new),
            json!({"a": {"b": "4", "c": null, "e": {"f": "5"}}, "d": null, "list": [3]})
        );
    }

    #[test]
    fn only_who_said_so_goes_on_no_more() {
        assert!(document("Stopped", "i").is_let_go);
        assert!(!document("Preparing", "i").is_let_go);
        // What another rewrite of the name said is not about this one.
        assert!(!document("Stopped", "before").is_let_go);
    }
}
