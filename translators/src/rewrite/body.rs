//! What is created: one form of an object with all that changed since in the other.

use serde_json::{Map, Value, json};

use super::names::{ATTACHER, FORM, MIGRATION, OURS, POLICY, RETAIN};
use super::record::{Direction, Record};
use super::task::{InUse, ObjectKind};
use super::view::View;

/// Members of `metadata` that stay; all others are the server's, or of no meaning for
/// another object.
const KEPT_METADATA: [&str; 4] = ["name", "labels", "annotations", "ownerReferences"];

/// Members of a volume's `spec` that are no source.
const NO_SOURCE: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    ATTRIBUTES_CLASS,
    "volumeMode",
];

const ATTRIBUTES_CLASS: &str = "volumeAttributesClassName";

/// Members of a claim's reference that make it this claim.
const CLAIM_REF: [&str; 5] = ["apiVersion", "kind", "namespace", "name", "uid"];

/// Who made a volume, if it was not made by hand.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// The policy of the translated volume, where it is not the original's: what nobody
/// could delete before stays.
pub(super) fn policy_after(original: &Value, keep_delete: bool) -> Option<&'static str> {
    let view = View(original);
    let dynamic = view.annotation(PROVISIONED_BY).is_some();
    match view.policy_meant() {
        "Delete" if dynamic || keep_delete => None,
        _ => Some(RETAIN),
    }
}

/// An object so that it can be created, and be known again: without what the server
/// sets, stamped, and a volume with `Retain` until it is bound.
pub(super) fn prepare(
    kind: ObjectKind,
    object: &Value,
    id: &str,
    direction: Direction,
    policy: Option<&str>,
) -> Value {
    let mut object = object.clone();
    let policy = policy.unwrap_or(View(&object).policy_meant()).to_owned();
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| KEPT_METADATA.contains(&key.as_str()));
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if !annotations.is_object() {
            *annotations = json!({});
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.retain(|key, _| !key.starts_with(OURS));
            annotations.insert(MIGRATION.into(), id.into());
            annotations.insert(FORM.into(), direction.form().into());
            if kind == ObjectKind::PersistentVolume {
                annotations.insert(POLICY.into(), policy.into());
            }
        }
    }
    if kind == ObjectKind::PersistentVolume
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.insert("persistentVolumeReclaimPolicy".into(), RETAIN.into());
        if let Some(claim) = spec.get_mut("claimRef").and_then(Value::as_object_mut) {
            claim.retain(|key, _| CLAIM_REF.contains(&key.as_str()));
        }
    }
    object
}

/// What is to take the place of an object that is in the other form: the form that
/// `goal` leads to, with what was changed of the live object since the record
/// was made (grown capacity, labels, policy).
pub(super) fn compose(record: &Record, goal: Direction, live: &Value) -> Value {
    let base = record.base(View(live), goal);
    let target = record.form(goal);
    let kind = record.spec.kind;
    let mut body = target.clone();
    for of in ["labels", "annotations"] {
        let part = |object: &Value| object["metadata"][of].clone();
        let merged = merge(&part(base), &part(target), &part(live), |key| {
            key.starts_with(OURS)
        });
        body["metadata"][of] = merged.into();
    }
    body["metadata"]
        .as_object_mut()
        .map(|metadata| match &live["metadata"]["ownerReferences"] {
            Value::Array(owners) if !owners.is_empty() => {
                metadata.insert("ownerReferences".into(), owners.clone().into())
            }
            _ => metadata.remove("ownerReferences"),
        });
    match kind {
        ObjectKind::PersistentVolume => {
            let is_source = |key: &str| !NO_SOURCE.contains(&key);
            let spec = merge(&base["spec"], &target["spec"], &live["spec"], |key| {
                is_source(key) || key == "claimRef" || key == "persistentVolumeReclaimPolicy"
            });
            body["spec"] = spec.into();
            bind(&mut body, live);
            let meant = View(live).policy_meant();
            if meant != View(base).policy_meant() {
                body["metadata"]["annotations"][POLICY] = meant.into();
            }
            keep_attached(&mut body, live, record);
            leave_class_to_claim(&mut body);
        }
        ObjectKind::StorageClass => {
            let merged = merge(base, target, live, |key| {
                [
                    "apiVersion",
                    "kind",
                    "metadata",
                    "provisioner",
                    "parameters",
                ]
                .contains(&key)
            });
            let metadata = body["metadata"].take();
            body = merged.into();
            body["metadata"] = metadata;
        }
    }
    body
}

fn bind(body: &mut Value, live: &Value) {
    let Some(spec) = body["spec"].as_object_mut() else {
        return;
    };
    match live["spec"]["claimRef"].as_object() {
        Some(claim) => {
            let mut claim = claim.clone();
            claim.retain(|key, _| CLAIM_REF.contains(&key.as_str()));
            spec.insert("claimRef".into(), claim.into());
        }
        None => {
            spec.remove("claimRef");
        }
    }
}

/// external-attacher sets its finalizer only when it attaches: a volume that stays
/// attached keeps it.
fn keep_attached(body: &mut Value, live: &Value, record: &Record) {
    if record.spec.in_use == InUse::No {
        return;
    }
    let kept: Vec<&str> = View(live)
        .finalizers()
        .filter(|finalizer| finalizer.starts_with(ATTACHER))
        .collect();
    if !kept.is_empty() {
        body["metadata"]["finalizers"] = kept.into();
    }
}

/// The API server takes a VolumeAttributesClass of a CSI volume alone, and lets nobody take
/// it off (kubernetes v1.36 `pkg/apis/core/validation/validation.go`,
/// `ValidatePersistentVolumeSpec`): with it no volume would ever come back. The claim keeps
/// the class, and external-resizer sets it again once the volume is CSI.
fn leave_class_to_claim(body: &mut Value) {
    if body["spec"]["csi"].is_null()
        && let Some(spec) = body["spec"].as_object_mut()
    {
        spec.remove(ATTRIBUTES_CLASS);
    }
}

/// Three ways: what is in the live object as it was in `base` becomes as in `target`,
/// what was changed stays changed. What `settled` names is the target's in any case.
fn merge(
    base: &Value,
    target: &Value,
    live: &Value,
    settled: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let empty = Map::new();
    let members = |of: &'_ Value| of.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (base, target, live) = (members(base), members(target), members(live));
    let mut merged = Map::new();
    for key in target.keys().chain(live.keys()) {
        let as_it_was = settled(key) || live.get(key) == base.get(key);
        let from = if as_it_was { &target } else { &live };
        if let Some(value) = from.get(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}
