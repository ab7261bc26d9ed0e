//! What whoever asks is allowed (SelfSubjectAccessReview).

use std::sync::Arc;

use kube::Client;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::tables::GET_SECRET;
use super::{Need, Right};
use crate::api_request::ask::{Ask, AskError};
use crate::api_request::in_order::in_order;
use crate::api_request::readiness::Readiness;

/// Questions under way at a time.
const AT_ONCE: usize = 8;

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

/// Those of the rights that whoever asks does not have, in their order.
///
/// # Errors
/// The API server does not say.
pub async fn missing(client: &Client, rights: &[Right]) -> Result<Vec<Right>, AskError> {
    let allowed = reviews(client, &Arc::default(), rights.iter()).await?;
    let asked = rights.iter().zip(allowed);
    let missing = asked.filter(|(_, allowed)| !allowed);
    Ok(missing.map(|(right, _)| right.clone()).collect())
}

/// Those of the needs that whoever asks does not have, in their order: where namespaces
/// will do, in which of them.
///
/// # Errors
/// The API server does not say.
pub async fn missing_of(client: &Client, needs: Vec<Need>) -> Result<Vec<Need>, AskError> {
    let readiness = Arc::default();
    let mut missing = Vec::new();
    for need in denied(client, &readiness, needs).await? {
        match need.or_in.is_empty() {
            true => missing.push(need),
            false => missing.extend(denied(client, &readiness, need.in_each().collect()).await?),
        }
    }
    Ok(missing)
}

/// Those of the needs whose very right is not given, in their order.
async fn denied(
    client: &Client,
    readiness: &Arc<Readiness>,
    needs: Vec<Need>,
) -> Result<Vec<Need>, AskError> {
    let allowed = reviews(client, readiness, needs.iter().map(|need| &need.right)).await?;
    let denied = needs.into_iter().zip(allowed);
    let denied = denied.filter(|(_, allowed)| !allowed);
    Ok(denied.map(|(need, _)| need).collect())
}

/// Whether whoever asks may get a Secret. To try it would do as well, but a right that is
/// left out on purpose is not to look like a break-in in the audit log.
///
/// # Errors
/// The API server does not say.
pub async fn may_get_secret(
    client: &Client,
    readiness: &Readiness,
    namespace: &str,
    name: &str,
) -> Result<bool, AskError> {
    is_allowed(client, readiness, &GET_SECRET.of_one(namespace, name)).await
}

/// Whether each is allowed, several asked for at a time.
async fn reviews(
    client: &Client,
    readiness: &Arc<Readiness>,
    rights: impl Iterator<Item = &Right>,
) -> Result<Vec<bool>, AskError> {
    let questions = rights.cloned().map(|right| {
        let (client, readiness) = (client.clone(), Arc::clone(readiness));
        async move { is_allowed(&client, &readiness, &right).await }
    });
    let questions: Vec<_> = questions.collect();
    in_order(questions, AT_ONCE).await
}

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

async fn is_allowed(
    client: &Client,
    readiness: &Readiness,
    right: &Right,
) -> Result<bool, AskError> {
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": right.verb, "group": right.group, "namespace": right.namespace,
            "resource": right.resource, "subresource": right.subresource, "name": right.name,
        }},
    })
    .to_string();
    let ask = async || {
        let answer = Ask::post(PATH, &body).send(client).await?;
        let review: Review =
            serde_json::from_str(&answer).map_err(|error| AskError::unreadable(PATH, &error))?;
        Ok(review.status.allowed)
    };
    let asked = Instant::now();
    let allowed = ask().await?;
    // A server that was just started may not know yet.
    match !allowed && readiness.came_after(client, asked).await {
        true => ask().await,
        false => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::Value;

    use super::*;
    use crate::rights::{Places, REWRITE, of_restart, of_rewrite};

    /// An API server of a test, and how much it was asked.
    #[derive(Clone, Default)]
    struct Server {
        under_way: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        asked: Arc<Mutex<Vec<String>>>,
        ready_asked: Arc<AtomicUsize>,
    }

    impl Server {
        /// A client of it: whether something is allowed is told by its attributes. Later
        /// questions are answered first.
        fn client(&self, allows: fn(&Value) -> bool) -> Client {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move {
                    if request.uri().path() == "/readyz" {
                        server.ready_asked.fetch_add(1, Ordering::SeqCst);
                        return Ok::<_, std::io::Error>(Response::new(Body::from(b"ok".to_vec())));
                    }
                    let now = server.under_way.fetch_add(1, Ordering::SeqCst) + 1;
                    server.most.fetch_max(now, Ordering::SeqCst);
                    let body = request.into_body().collect_bytes().await.unwrap();
                    let review: Value = serde_json::from_slice(&body).unwrap();
                    let attributes = &review["spec"]["resourceAttributes"];
                    server.asked.lock().unwrap().push(attributes.to_string());
                    tokio::time::sleep(Duration::from_millis(100 - 10 * now as u64)).await;
                    server.under_way.fetch_sub(1, Ordering::SeqCst);
                    let answer = json!({"status": {"allowed": allows(attributes)}}).to_string();
                    Ok(Response::new(Body::from(answer.into_bytes())))
                }
            });
            Client::new(service, "default")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_are_asked_for_at_a_time_and_told_in_order() {
        let server = Server::default();
        let client = server.client(|attributes| attributes["verb"] != "delete");
        let missing = missing(&client, REWRITE.rights).await.unwrap();
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "delete persistentvolumes",
                "delete storageclasses.storage.k8s.io"
            ]
        );
        assert_eq!(server.most.load(Ordering::SeqCst), AT_ONCE);
        // Those that were turned down are asked once more: that may have been too early.
        let asked = server.asked.lock().unwrap().len();
        assert_eq!(asked, REWRITE.rights.len() + missing.len());
    }

    /// Of many who are turned down one asks whether the server is ready, and who asked after
    /// that asks no more.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_ready_is_believed() {
        let server = Server::default();
        let client = server.client(|_| false);
        let readiness = Arc::new(Readiness::default());
        let may_get = || {
            let (client, readiness) = (client.clone(), Arc::clone(&readiness));
            async move { may_get_secret(&client, &readiness, "n", "a").await }
        };
        let first = in_order((0..AT_ONCE).map(|_| may_get()), AT_ONCE).await;
        assert_eq!(first.unwrap(), [false; AT_ONCE]);
        assert_eq!(server.asked.lock().unwrap().len(), 2 * AT_ONCE);
        for _ in 0..10 {
            assert!(!may_get().await.unwrap());
        }
        assert_eq!(server.asked.lock().unwrap().len(), 2 * AT_ONCE + 10);
        assert_eq!(server.ready_asked.load(Ordering::SeqCst), 1);
        // By then another server may stand in its place.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!may_get().await.unwrap());
        assert_eq!(server.ready_asked.load(Ordering::SeqCst), 2);
        assert_eq!(server.asked.lock().unwrap().len(), 2 * AT_ONCE + 12);
    }

    /// Roles may be bound in namespaces alone.
    #[tokio::test(start_paused = true)]
    async fn what_is_not_allowed_everywhere_may_be_where_it_matters() {
        let client = Server::default().client(|attributes| {
            attributes["resource"] != "statefulsets" || attributes["namespace"] == "shop"
        });
        let namespaces = ["bank", "shop"].map(str::to_owned).into();
        let needs = of_restart("apps", "statefulsets", &namespaces);
        let missing = missing_of(&client, needs).await.unwrap();
        let names: Vec<String> = missing.iter().map(|need| need.right.to_string()).collect();
        assert_eq!(
            names,
            ["get", "patch"].map(|verb| format!("{verb} statefulsets.apps in namespace bank"))
        );
        let needs = of_rewrite(true, &Places::All);
        assert_eq!(missing_of(&client, needs).await.unwrap(), []);
    }
}
