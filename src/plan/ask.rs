//! What the API server is asked about each object: whether its Secrets are there,
//! and whether it would take the new object.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::Client;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};

use super::candidate::{Candidate, secret_state};
use crate::api_request::ask::{Ask, AskError, METADATA_ONLY};
use crate::api_request::in_order::in_order;
use crate::api_request::readiness::Readiness;
use crate::objects::volume::SecretRef;
use crate::redact::redact;
use crate::rights;

/// Secrets whose state is remembered: volumes share a few.
const REMEMBERED: usize = 10_000;
/// No object of this name is ever made: the request is a dry run.
const TEMPORARY_NAME: &str = "flex2csi-plan-";

/// Asks, several objects at a time.
#[derive(Clone)]
pub struct Asker {
    client: Client,
    dry_run: bool,
    at_once: Arc<Semaphore>,
    secrets: Arc<Mutex<HashMap<SecretRef, Arc<OnceCell<Known>>>>>,
    readiness: Arc<Readiness>,
}

/// Whether a Secret is there, or why nobody knows.
type Known = Result<bool, String>;

impl Asker {
    /// With so many requests under way at a time; `dry_run`: whether the new
    /// objects are shown to the API server.
    pub fn new(client: Client, dry_run: bool, at_once: usize) -> Self {
        Self {
            client,
            dry_run,
            at_once: Arc::new(Semaphore::new(at_once)),
            secrets: Arc::default(),
            readiness: Arc::default(),
        }
    }

    /// Completes what is known of some objects, in their order.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn complete(&self, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, AskError> {
        let questions = candidates.into_iter().map(|candidate| {
            let asker = self.clone();
            async move { asker.one(candidate).await }
        });
        let questions: Vec<_> = questions.collect();
        // Each request waits for its turn.
        in_order(questions, usize::MAX).await
    }

    async fn one(&self, mut candidate: Candidate) -> Result<Candidate, AskError> {
        let mut secrets = Vec::new();
        let mut references = candidate.secrets.clone();
        references.extend(candidate.new_secrets.iter().cloned());
        references.sort();
        references.dedup();
        for secret in references {
            let there = self.secret(&secret).await?;
            let is_new = candidate.new_secrets.contains(&secret);
            let name = format!("{}/{}", secret.namespace, secret.name);
            secrets.push((name, secret_state(there, is_new)));
        }
        let refused = match self.dry_run && !candidate.translated.is_empty() {
            true => self.refusal(&candidate).await?,
            false => None,
        };
        if let Some(target) = candidate.target_mut() {
            target.secrets = secrets;
            target.refused = refused;
        }
        Ok(candidate)
    }

    /// One asks for a Secret, and those who want to know at the same time wait for that.
    async fn secret(&self, secret: &SecretRef) -> Result<Known, AskError> {
        let known = {
            let mut remembered = self.remembered();
            let known = remembered.get(secret).cloned().unwrap_or_default();
            if remembered.len() < REMEMBERED {
                remembered.insert(secret.clone(), Arc::clone(&known));
            }
            known
        };
        let known = known.get_or_try_init(|| self.is_there(secret)).await?;
        Ok(known.clone())
    }

    async fn is_there(&self, secret: &SecretRef) -> Result<Known, AskError> {
        let path = format!(
            "/api/v1/namespaces/{}/secrets/{}",
            secret.namespace, secret.name
        );
        let ask = Ask {
            accept: METADATA_ONLY,
            ..Ask::get(path)
        };
        let not_allowed = || Err("you may not get it".to_owned());
        Ok(match self.may_get(secret).await? {
            false => not_allowed(),
            true => match self.send(&ask).await {
                Ok(_) => Ok(true),
                Err(AskError::NotFound { .. }) => Ok(false),
                Err(AskError::Forbidden { .. }) => not_allowed(),
                Err(AskError::Refused { message, .. }) => Err(message),
                Err(error) => return Err(error),
            },
        })
    }

    async fn may_get(&self, secret: &SecretRef) -> Result<bool, AskError> {
        // The semaphore is never closed.
        let _turn = self.at_once.acquire().await;
        let (namespace, name) = (&secret.namespace, &secret.name);
        rights::may_get_secret(&self.client, &self.readiness, namespace, name).await
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<SecretRef, Arc<OnceCell<Known>>>> {
        // Whole entries, whoever panicked.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the API server would not take the new object.
    async fn refusal(&self, candidate: &Candidate) -> Result<Option<String>, AskError> {
        let Some((path, body)) = temporary(&candidate.row.object.kind, &candidate.translated)
        else {
            return Ok(Some("the translated object cannot be read".to_owned()));
        };
        let ask = Ask::post(
            format!("{path}?dryRun=All&fieldManager=flex2csi&fieldValidation=Strict"),
            &body,
        );
        let message = match self.send(&ask).await {
            Ok(_) => return Ok(None),
            Err(AskError::Refused { message, .. } | AskError::Forbidden { message, .. }) => message,
            Err(AskError::NotFound { what }) => what,
            Err(error) => return Err(error),
        };
        let said = redact(&message, &[&candidate.original, &candidate.translated]);
        Ok(Some(format!("the API server says: {said}")))
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<String, AskError> {
        // The semaphore is never closed.
        let _turn = self.at_once.acquire().await;
        ask.send(&self.client).await
    }
}

/// The new object under a temporary name, and where it would be made. It is what
/// the rewrite would write: without what the server sets, with the policy Retain.
fn temporary(kind: &str, translated: &str) -> Option<(&'static str, String)> {
    let mut object: Value = serde_json::from_str(translated).ok()?;
    let (path, api_version) = match kind {
        "PersistentVolume" => ("/api/v1/persistentvolumes", "v1"),
        "StorageClass" => (
            "/apis/storage.k8s.io/v1/storageclasses",
            "storage.k8s.io/v1",
        ),
        _ => return None,
    };
    let metadata = object.get("metadata")?;
    let metadata = json!({
        "generateName": TEMPORARY_NAME,
        "labels": metadata.get("labels"),
        "annotations": metadata.get("annotations"),
    });
    let members = object.as_object_mut()?;
    members.remove("status");
    members.insert("apiVersion".to_owned(), api_version.into());
    members.insert("kind".to_owned(), kind.into());
    members.insert("metadata".to_owned(), metadata);
    if kind == "PersistentVolume" {
        object["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
    }
    Some((path, object.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_sets_is_not_sent() {
        let translated = r#"{"metadata":{"name":"pv","uid":"u","resourceVersion":"1","annotations":{"a":"b"},
            "managedFields":[],"finalizers":["f"]},"spec":{"persistentVolumeReclaimPolicy":"Delete"},"status":{}}"#;
        let (path, body) = temporary("PersistentVolume", translated).unwrap();
        assert_eq!(path, "/api/v1/persistentvolumes");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body,
            json!({
                "apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": { "generateName": "flex2csi-plan-", "labels": null, "annotations": { "a": "b" } },
                "spec": { "persistentVolumeReclaimPolicy": "Retain" },
            })
        );
        assert!(temporary("Deployment", translated).is_none());
        assert!(temporary("PersistentVolume", "[]").is_none());
    }
}
