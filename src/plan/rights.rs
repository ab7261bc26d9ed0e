//! What a plan and a rewrite have to be allowed, and whether they are.

use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::request::{self, Ask, RequestError};

/// The rights that a plan needs, as `deploy/rbac/plan.yaml` has them.
pub const PLAN: &str = include_str!("../../deploy/rbac/plan.yaml");

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

/// What the rewrite does to the cluster.
pub const REWRITE: [Right; 20] = [
    right("get", "", "persistentvolumes"),
    right("create", "", "persistentvolumes"),
    right("patch", "", "persistentvolumes"),
    right("delete", "", "persistentvolumes"),
    right("get", "", "persistentvolumeclaims"),
    right("patch", "", "persistentvolumeclaims"),
    right("list", "", "pods"),
    right("create", "", "events"),
    right("patch", "", "events"),
    right("get", STORAGE, "storageclasses"),
    right("create", STORAGE, "storageclasses"),
    right("delete", STORAGE, "storageclasses"),
    right("list", STORAGE, "volumeattachments"),
    right("get", OURS, "volumemigrations"),
    right("list", OURS, "volumemigrations"),
    right("create", OURS, "volumemigrations"),
    right("update", OURS, "volumemigrations"),
    right("patch", OURS, "volumemigrations"),
    right("delete", OURS, "volumemigrations"),
    status("update", OURS, "volumemigrations"),
];

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
