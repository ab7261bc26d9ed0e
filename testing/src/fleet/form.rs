//! Which of its forms a volume is in.

use serde_json::Value;

use super::Member;

/// What a volume is, compared with the member of the fleet that bears its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was.
    Original,
    /// As the translation library writes it.
    Translated,
    /// As it writes it for flex2csi's own endpoint.
    Endpoint,
    /// None of these: somebody else's, or damaged.
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
        } else if spec == compared(&member.endpoint["spec"]) {
            Self::Endpoint
        } else {
            Self::Other
        }
    }
}

/// What the endpoint's form holds as JSON in a string: how it is written says nothing.
const JSON: [&str; 2] = ["flex2csi.io/source", "flex2csi.io/context"];

/// A spec without what is judged by itself, and without what Go leaves out.
pub fn compared(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(members) = spec.as_object_mut() {
        members.remove("claimRef");
        members.remove("persistentVolumeReclaimPolicy");
    }
    for attribute in JSON {
        let held = spec.pointer_mut("/csi/volumeAttributes");
        if let Some(held) = held.and_then(|held| held.get_mut(attribute))
            && let Some(read) = held
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
        {
            *held = read;
        }
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
