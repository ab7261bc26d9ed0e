//! What an original driver says, read as kubelet reads it (kubernetes
//! `pkg/volume/flexvolume/driver-call.go`, v1.36).

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::original::process::{Ended, MOST};

/// What kubelet reads of an answer.
const READ: [&str; 7] = [
    "status",
    "message",
    "device",
    "volumeName",
    "attached",
    "capabilities",
    "volumeNewSize",
];

/// An answer of an original driver: one JSON object.
pub struct Said {
    pub status: Status,
    text: String,
    members: Map<String, Value>,
}

/// Its status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    NotSupported,
    /// Anything else is a failure.
    Failure,
}

/// Reads what it said, on stdout and stderr together.
pub fn read(ended: Ended) -> Result<Said, String> {
    if ended.exceeded {
        return Err(format!("said more than {MOST} bytes"));
    }
    let said = parse(&ended.output).map_err(|why| format!("{why} ({})", ended.status))?;
    // Kubelet takes this for an error too.
    if said.status == Status::Success && !ended.status.success() {
        return Err(format!("says Success and fails ({})", ended.status));
    }
    Ok(said)
}

/// Reads one JSON object.
pub fn parse(bytes: &[u8]) -> Result<Said, String> {
    let text = String::from_utf8_lossy(bytes).trim().to_owned();
    if text.is_empty() {
        return Err("said nothing".to_owned());
    }
    let members: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|_| format!("said {} bytes that are not one JSON object", bytes.len()))?;
    let status = match member(&members, "status") {
        Some(Value::String(status)) if status == "Success" => Status::Success,
        Some(Value::String(status)) if status == "Not supported" => Status::NotSupported,
        Some(Value::String(_)) => Status::Failure,
        _ => return Err("said a JSON object without a status".to_owned()),
    };
    Ok(Said {
        status,
        text,
        members,
    })
}

impl Said {
    /// To say the same, as far as kubelet reads it. Some drivers say more, such as
    /// the options that they were called with.
    pub fn relayed(mut self) -> Answer {
        self.members
            .retain(|name, _| READ.iter().any(|read| name.eq_ignore_ascii_case(read)));
        Answer::Relayed(self.members)
    }

    /// The whole text, to be kept.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One of its members.
    pub fn member(&self, name: &str) -> Option<&Value> {
        member(&self.members, name)
    }
}

/// Go does not mind the case of a member's name, and null is none.
pub fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = members.get(name).or_else(|| {
        let mut others = members.iter();
        others.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    });
    found.filter(|value| !value.is_null())
}
