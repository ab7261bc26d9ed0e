//! What whoever asks is allowed (SelfSubjectAccessReview).

use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Right;
use crate::api_request::ask::{Ask, AskError};
use crate::api_request::readiness;

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

/// Those of the rights that whoever asks does not have.
///
/// # Errors
/// The API server does not say.
pub async fn missing(client: &Client, rights: &[Right]) -> Result<Vec<Right>, AskError> {
    let mut missing = Vec::new();
    for right in rights {
        let attributes = json!({
            "verb": right.verb, "group": right.group, "namespace": right.namespace,
            "resource": right.resource, "subresource": right.subresource,
        });
        if !is_allowed(client, &attributes).await? {
            missing.push(*right);
        }
    }
    Ok(missing)
}

/// Whether whoever asks may get a Secret. To try it would do as well, but a right that is
/// left out on purpose is not to look like a break-in in the audit log.
///
/// # Errors
/// The API server does not say.
pub async fn may_get_secret(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<bool, AskError> {
    let attributes = json!({
        "verb": "get", "group": "", "resource": "secrets", "namespace": namespace, "name": name,
    });
    is_allowed(client, &attributes).await
}

async fn is_allowed(client: &Client, attributes: &Value) -> Result<bool, AskError> {
    const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    })
    .to_string();
    let ask = async || {
        let answer = Ask::post(PATH, &body).send(client).await?;
        let review: Review =
            serde_json::from_str(&answer).map_err(|error| AskError::unreadable(PATH, &error))?;
        Ok(review.status.allowed)
    };
    let allowed = ask().await?;
    // A server that was just started may not know yet.
    match !allowed && readiness::settle(client).await {
        true => ask().await,
        false => Ok(allowed),
    }
}
