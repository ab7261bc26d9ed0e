//! What the API server wrote down of the requests of flex2csi's service accounts.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Cluster;

/// What is written down: those requests, when they are answered.
pub(crate) const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [
    { "level": "Metadata", "userGroups": ["system:serviceaccounts:flex2csi-system"] },
    { "level": "None" }
  ]
}"#;

pub(crate) fn log(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}

/// The answered requests that were made with the token of a pod of an account on a
/// node.
///
/// # Errors
/// The log cannot be read.
pub fn requests(cluster: &Cluster, account: &str, node: &str) -> io::Result<Vec<Value>> {
    let text = std::fs::read_to_string(log(cluster.directory()))?;
    let user = format!("system:serviceaccount:flex2csi-system:{account}");
    let is_meant = |event: &Value| {
        let by = &event["user"];
        let on = &by["extra"]["authentication.kubernetes.io/node-name"][0];
        by["username"] == *user && *on == *node && event["stage"] == "ResponseComplete"
    };
    // The last line may be half written.
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(events.filter(is_meant).collect())
}

/// Of those the ones that were denied, by RBAC or at admission.
///
/// # Errors
/// The log cannot be read.
pub fn denied(cluster: &Cluster, account: &str, node: &str) -> io::Result<Vec<String>> {
    let events = requests(cluster, account, node)?.into_iter();
    let denied = events.filter(|event| event["responseStatus"]["code"] == 403);
    Ok(denied
        .map(|event| format!("{} {}", event["verb"], event["requestURI"]))
        .collect())
}
