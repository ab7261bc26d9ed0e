//! What an original driver answered to `init`, as the exec binary keeps it.

use serde_json::{Map, Value};

use super::InstallError;
use super::directory::Directory;
use super::names::Names;

/// The longest that is read (bytes).
const LONGEST: u64 = 1 << 20;

/// Whether an original driver said that volumes are attached through it; nothing
/// before it was asked and succeeded.
pub(super) fn attaches(directory: &Directory, names: &Names) -> Result<Option<bool>, InstallError> {
    let stamp = |name: &str| Ok(directory.look(name)?.map(|(_, stamp)| stamp));
    let (answer, original) = (stamp(&names.answer)?, stamp(&names.original)?);
    match (answer, original) {
        (Some(answer), Some(original)) if !answer.is_older_than(&original) => {}
        // Of another driver that was here before: the exec binary asks again.
        _ => return Ok(None),
    }
    let text = directory.read(&names.answer, LONGEST)?;
    Ok(text.and_then(|text| said(&text)))
}

/// As kubelet reads it (kubernetes `pkg/volume/flexvolume/driver-call.go`, v1.36):
/// without the capability it attaches.
fn said(text: &str) -> Option<bool> {
    let answer: Map<String, Value> = serde_json::from_str(text).ok()?;
    if member(&answer, "status")?.as_str()? != "Success" {
        return None;
    }
    let capabilities = member(&answer, "capabilities").and_then(Value::as_object);
    let attach = capabilities.and_then(|capabilities| member(capabilities, "attach"));
    match attach {
        None | Some(Value::Null) => Some(true),
        Some(attach) => attach.as_bool(),
    }
}

/// Go takes names in any case.
fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    let mut members = object.iter();
    object.get(name).or_else(|| {
        members
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_kubelet_reads_it() {
        for (text, expected) in [
            (r#"{"status":"Success"}"#, Some(true)),
            (r#"{"status":"Success","capabilities":{}}"#, Some(true)),
            (
                r#"{"status":"Success","capabilities":{"attach":true}}"#,
                Some(true),
            ),
            (
                r#"{"status":"Success","capabilities":{"attach":false}}"#,
                Some(false),
            ),
            (
                r#"{"Status":"Success","Capabilities":{"Attach":false},"x":1}"#,
                Some(false),
            ),
            (
                r#"{"status":"Failure","capabilities":{"attach":false}}"#,
                None,
            ),
            (r#"{"status":"Not supported"}"#, None),
            (
                r#"{"status":"Success","capabilities":{"attach":"no"}}"#,
                None,
            ),
            ("", None),
            ("[]", None),
            ("oops", None),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }
}
