//! What a plan and a rewrite have to be allowed, and whether they are.

use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::request::{self, Ask, RequestError};

/// The rights that a plan needs, as `deploy/rbac/plan.yaml` has them.
pub const PLAN: &str = include_str!("../../deploy/rbac/plan.yaml");

/// The rights that a rewrite and a rollback need beside these.
pub const REWRITE_ROLE: &str = include_str!("../../deploy/rbac/rewrite.yaml");

/// What it needs beside that for volumes that are pinned under their pods.
pub const PINS_ROLES: &str = include_str!("../../deploy/rbac/rewrite-pins.yaml");

/// What `--wait-idle` and `--restart` need beside these.
pub const RESTART_ROLES: &str = include_str!("../../deploy/rbac/rewrite-restart.yaml");

/// What `--fence` needs.
pub const FENCE_ROLE: &str = include_str!("../../deploy/rbac/rewrite-fence.yaml");

/// A right: verb, API group, resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
}

const fn right(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    Right {
        verb,
        group,
        resource,
        subresource: "",
    }
}

const fn status(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    Right {
        verb,
        group,
        resource,
        subresource: "status",
    }
}

const STORAGE: &str = "storage.k8s.io";
const OURS: &str = "flex2csi.io";

/// What the rewrite does to the cluster: `deploy/rbac/rewrite.yaml`.
pub const REWRITE: [Right; 18] = [
    right("get", "", "persistentvolumes"),
    right("watch", "", "persistentvolumes"),
    right("patch", "", "persistentvolumes"),
    right("delete", "", "persistentvolumes"),
    right("create", "", "persistentvolumes"),
    right("get", STORAGE, "storageclasses"),
    right("patch", STORAGE, "storageclasses"),
    right("delete", STORAGE, "storageclasses"),
    right("create", STORAGE, "storageclasses"),
    right("get", "", "persistentvolumeclaims"),
    right("watch", "", "persistentvolumeclaims"),
    right("patch", "", "persistentvolumeclaims"),
    right("get", OURS, "volumemigrations"),
    right("watch", OURS, "volumemigrations"),
    right("create", OURS, "volumemigrations"),
    right("patch", OURS, "volumemigrations"),
    status("patch", OURS, "volumemigrations"),
    right("create", "", "events"),
];

/// Those without which a rewrite would stop half way. Without watching it looks by
/// itself, and an event that cannot be written is none.
pub fn needed(classes: bool, claims: bool) -> Vec<Right> {
    let is_needed = |right: &Right| match right.resource {
        "events" => false,
        "storageclasses" => classes,
        "persistentvolumeclaims" => claims,
        _ => true,
    };
    let needed = REWRITE.into_iter();
    needed
        .filter(|right| right.verb != "watch" && is_needed(right))
        // The journal, which `deploy/rbac/plan.yaml` has the right to list.
        .chain([right("list", OURS, "volumemigrations")])
        .collect()
}

/// What the server-side dry run needs beside reading.
pub const DRY_RUN: [Right; 2] = [
    right("create", "", "persistentvolumes"),
    right("create", STORAGE, "storageclasses"),
];

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match self.group {
            "" => Ok(()),
            group => write!(f, ".{group}"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Review {
    status: ReviewStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReviewStatus {
    allowed: bool,
}

/// Those of the rights that whoever asks does not have (SelfSubjectAccessReview).
///
/// # Errors
/// The API server does not say.
pub async fn missing(client: &Client, rights: &[Right]) -> Result<Vec<Right>, RequestError> {
    const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let mut missing = Vec::new();
    for right in rights {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": right.verb, "group": right.group,
                "resource": right.resource, "subresource": right.subresource,
            }},
        })
        .to_string();
        let answer = request::send(client, &Ask::post(PATH, &body)).await?;
        let review: Review = serde_json::from_str(&answer)
            .map_err(|error| RequestError::unreadable(PATH, &error))?;
        if !review.status.allowed {
            missing.push(*right);
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    /// The rights of the ClusterRole in a manifest.
    fn rights(manifest: &str) -> Vec<String> {
        let json = yaml::to_json(manifest, 1).unwrap();
        let role: serde_json::Value = serde_json::from_str(&json).unwrap();
        let texts = |value: &serde_json::Value| -> Vec<String> {
            serde_json::from_value(value.clone()).unwrap()
        };
        let mut rights = Vec::new();
        for rule in role["rules"].as_array().unwrap() {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    rights.push(match texts(&rule["apiGroups"])[0].as_str() {
                        "" => format!("{verb} {resource}"),
                        group => format!("{verb} {resource}.{group}"),
                    });
                }
            }
        }
        rights.sort();
        rights
    }

    #[test]
    fn what_is_asked_for_is_what_a_rewrite_is_given() {
        let mut asked: Vec<String> = REWRITE.iter().map(ToString::to_string).collect();
        asked.sort();
        assert_eq!(
            asked,
            rights(include_str!("../../deploy/rbac/rewrite.yaml"))
        );
    }
}
