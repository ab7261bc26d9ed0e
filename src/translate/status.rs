//! The `v1 Status` object that takes a failed object's place on a line of
//! newline-delimited JSON, and that of what cannot be parsed in another format.

use serde::Serialize;

use super::remark::Remark;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'r> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    status: &'static str,
    message: String,
    reason: &'static str,
    details: Details<'r>,
}

#[derive(Serialize)]
struct Metadata {}

#[derive(Serialize)]
struct Details<'r> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'r str,
}

/// The JSON text of the `Status` for a failed object.
pub fn json(failure: &Remark) -> String {
    let status = Status {
        api_version: "v1",
        kind: "Status",
        metadata: Metadata {},
        status: "Failure",
        message: format!("{}:{}: {}", failure.source, failure.line, failure.message),
        reason: failure.code,
        details: Details {
            name: &failure.object.name,
            kind: &failure.object.kind,
        },
    };
    // Strings and an empty map: nothing in it can fail to be JSON.
    serde_json::to_string(&status).unwrap_or_default()
}
