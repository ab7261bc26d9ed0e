//! Whether a volume is in the form in which it was, or translated.

use serde_json::Value;

use super::Member;

/// What a volume is, compared with the member of the fleet that bears its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was.
    Original,
    /// As the translation library writes it.
    Translated,
    /// Neither: somebody else's, or damaged.
    Other,
}

impl Form {
    /// That of a volume.
    #[must_use]
    pub fn of(volume: &Value, member: &Member) -> Self {
        let spec = compared(&volume["spec"]);
        if spec == compared(&member.volume["spec"]) {
            Self::Original
        } else if spec == compared(&member.translated["spec"]) {
            Self::Translated
        } else {
            Self::Other
        }
    }
}

/// A spec without what is judged by itself, and without what Go leaves out.
pub fn compared(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(members) = spec.as_object_mut() {
        members.remove("claimRef");
        members.remove("persistentVolumeReclaimPolicy");
    }
    without_empty(&mut spec);
    spec
}

fn without_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(without_empty);
            members.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
