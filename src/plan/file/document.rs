use flex2csi_translators::digest::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::plan::row::{Options, Row};

/// `apiVersion` of every document.
pub const API_VERSION: &str = "flex2csi.io/v1alpha1";
/// `kind` of the first document.
pub const HEAD: &str = "MigrationPlan";
/// `kind` of an object's document.
pub const OBJECT: &str = "MigrationPlanObject";
/// `kind` of the last document.
pub const END: &str = "MigrationPlanEnd";

/// What a plan was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    /// The uid of the cluster's namespace `kube-system`, by which it is known.
    pub cluster: String,
    /// The version of the program that made it.
    pub tool: String,
    /// When it was made.
    pub created: String,
    /// Whether nodes had to say what they have mounted.
    pub node_evidence: bool,
    /// Whether the new objects were shown to the API server.
    pub server_dry_run: bool,
    /// Whether objects were to become those of flex2csi's own endpoint (`--via-endpoint`);
    /// nothing in a plan of a version that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via_endpoint: Option<bool>,
}

/// What closes a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct End {
    /// How many objects it has.
    pub objects: u64,
}

/// What every document has around its content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document<T> {
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// What it is.
    pub kind: String,
    /// Its content.
    pub plan: T,
    /// Of its content, but for the options; of the last document also of all
    /// checksums before it.
    pub checksum: String,
}

/// What of a document's kind is read before anything else.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kind {
    /// Its version.
    pub api_version: String,
    /// What it is.
    pub kind: String,
}

/// The checksum of the first document or the last.
///
/// # Errors
/// It has no JSON.
pub fn checksum<T: Serialize>(content: &T, before: &str) -> Result<String, serde_json::Error> {
    Ok(sha256_hex(
        format!("{before}{}", serde_json::to_string(content)?).as_bytes(),
    ))
}

/// The checksum of an object's document: of all but its options.
///
/// # Errors
/// It has no JSON.
pub fn row_checksum(row: &Row) -> Result<String, serde_json::Error> {
    let without = Row {
        options: Options {
            // Whether it is asked is the plan's; what is answered is the person's.
            keep_delete: row.options.keep_delete.map(|_| false),
            ..Options::default()
        },
        ..row.clone()
    };
    checksum(&without, "")
}
