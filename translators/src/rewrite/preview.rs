//! What a rewrite would change, for who wants to see it first.

use serde_json::Value;

use super::body::{compose, prepare};
use super::names::{POLICY, REWRITING};
use super::record::{Direction, Record};
use super::task::ObjectKind;
use super::view::View;

/// An object before and after, both without what the server sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// As it is; `None` while there is none.
    pub before: Option<Value>,
    /// As it is when all is done.
    pub after: Value,
}

/// What going to `goal` makes of the object that is there.
pub fn preview(record: &Record, goal: Direction, live: Option<&Value>) -> Preview {
    let kind = record.spec.kind;
    let after = match (live, record.body()) {
        (Some(live), _) => compose(record, goal, live),
        (None, Some(body)) if record.status.direction == goal => body,
        (None, Some(body)) => compose(record, goal, &body),
        (None, None) => record.form(goal).clone(),
    };
    let before = live.map(|live| {
        let mut object = prepare(kind, live, "", goal, None);
        // Ours were taken off with the stamp.
        object["metadata"]["annotations"] = live["metadata"]["annotations"].clone();
        object["metadata"]["labels"] = live["metadata"]["labels"].clone();
        settled(kind, object, View(live).policy_meant())
    });
    let policy = View(&after).policy_meant().to_owned();
    Preview {
        before,
        after: settled(kind, after, &policy),
    }
}

/// An object without the marks that it has only for as long as it is replaced.
fn settled(kind: ObjectKind, mut object: Value, policy: &str) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("finalizers");
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.retain(|key, _| ![POLICY, REWRITING].contains(&key.as_str()));
        }
        metadata.retain(|_, value| match value {
            Value::Object(members) => !members.is_empty(),
            value => !value.is_null(),
        });
    }
    if kind == ObjectKind::PersistentVolume {
        object["spec"]["persistentVolumeReclaimPolicy"] = policy.into();
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rewrite::{InUse, Task};

    fn original() -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "7", "labels": {"l": "1"},
                "annotations": {"note": "x"}, "finalizers": ["kubernetes.io/pv-protection"],
            },
            "spec": {
                "capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Delete",
                "flexVolume": {"driver": "v/d"},
            },
            "status": {"phase": "Bound"},
        })
    }

    fn record(keep_delete: bool) -> Record {
        let mut translated = original();
        let spec = translated["spec"].as_object_mut().unwrap();
        spec.remove("flexVolume");
        spec.insert("csi".into(), json!({"driver": "d", "volumeHandle": "h"}));
        let task = Task {
            kind: ObjectKind::PersistentVolume,
            original: original().to_string(),
            translated: translated.to_string(),
            claim: None,
            claim_annotations: Default::default(),
            in_use: InUse::No,
            keep_delete,
        };
        Record::begin(&task, "me").unwrap()
    }

    #[test]
    fn only_what_stays_is_shown() {
        let Preview { before, after } =
            preview(&record(true), Direction::Forward, Some(&original()));
        let before = before.unwrap();
        assert_eq!(before["metadata"]["annotations"], json!({"note": "x"}));
        assert_eq!(before["spec"], original()["spec"]);
        assert!(before["status"].is_null() && before["metadata"]["uid"].is_null());
        assert_eq!(after["spec"]["persistentVolumeReclaimPolicy"], "Delete");
        assert_eq!(after["spec"]["csi"]["volumeHandle"], "h");
        assert!(after["spec"]["flexVolume"].is_null());
        let annotations = after["metadata"]["annotations"].as_object().unwrap();
        let names: Vec<&String> = annotations.keys().collect();
        assert_eq!(names, ["flex2csi.io/form", "flex2csi.io/migration", "note"]);
    }

    #[test]
    fn a_policy_that_becomes_another_is_seen() {
        let preview = preview(&record(false), Direction::Forward, Some(&original()));
        let policy = |object: &Value| object["spec"]["persistentVolumeReclaimPolicy"].clone();
        assert_eq!(policy(&preview.before.unwrap()), "Delete");
        assert_eq!(policy(&preview.after), "Retain");
    }

    #[test]
    fn on_the_way_back_what_was_changed_since_stays() {
        let record = record(true);
        let mut live = record.form(Direction::Forward).clone();
        live["spec"]["capacity"]["storage"] = "2Gi".into();
        let back = preview(&record, Direction::Back, Some(&live));
        assert_eq!(back.after["spec"]["capacity"]["storage"], "2Gi");
        assert_eq!(back.after["spec"]["flexVolume"]["driver"], "v/d");
        assert_eq!(back.before.unwrap()["spec"]["csi"]["driver"], "d");
        // In the gap there is none, and the record has what comes.
        let gap = preview(&record, Direction::Back, None);
        assert_eq!(gap.before, None);
        assert_eq!(gap.after["spec"], original()["spec"]);
    }
}
