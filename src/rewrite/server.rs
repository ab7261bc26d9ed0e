//! The API server through a client.

use std::time::Duration;

use flex2csi_translators::rewrite::Use;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::api::{Api, Call, Failure, Place, Resource, Verb};
use super::used::{Evidence, Subject};
use crate::api_request::readiness::Doubt;

/// How all that we write is marked as ours.
const MANAGER: &str = "flex2csi";

/// What one call may take; the server itself gives up after a minute.
const DEADLINE: Duration = Duration::from_secs(30);

/// The largest answer, in bytes. etcd takes no object over 1.5 MiB.
const LARGEST: usize = 8 << 20;

/// The API server, and who knows what is used.
#[derive(Clone)]
pub struct Server<E> {
    client: Client,
    evidence: E,
}

impl<E> std::fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl<E> Server<E> {
    /// Calls through a client. One that tries again by itself (kube's `default_retry`)
    /// hides from whoever throttles what the server says.
    pub fn new(client: Client, evidence: E) -> Self {
        Self { client, evidence }
    }

    async fn send(&self, call: &Call) -> Result<Value, Failure> {
        let request = request(call)?;
        let unknown =
            |error: &dyn std::fmt::Display| Failure::Unknown(format!("{}: {error}", call.place));
        let answer = async {
            let response = self.client.send(request).await;
            let (head, body) = response.map_err(|error| unknown(&error))?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| unknown(&error))?.to_bytes();
            Ok((head, body))
        };
        let Ok(answer) = tokio::time::timeout(DEADLINE, answer).await else {
            let reason = format!("no answer within {} s", DEADLINE.as_secs());
            return Err(unknown(&reason));
        };
        let (head, body) = answer?;
        if head.status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unknown(&error));
        }
        Err(failure(&call.place, head.status, &head.headers, &body))
    }
}

impl<E: Evidence> Api for Server<E> {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        let mut doubt = Doubt::default();
        loop {
            let result = self.send(&call).await;
            // Nothing was done, so the same call once more is right.
            if let Err(Failure::Refused { message, .. }) = &result
                && doubt.may_pass(&self.client, message).await
            {
                continue;
            }
            return result;
        }
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        self.evidence.used(subject).await
    }
}

fn request(call: &Call) -> Result<Request<Body>, Failure> {
    let (method, path, kind) = match call.verb {
        Verb::Get => (Method::GET, call.place.path(), "application/json"),
        Verb::Create => (Method::POST, call.place.collection(), "application/json"),
        Verb::Patch => {
            let kind = "application/merge-patch+json";
            (Method::PATCH, call.place.path(), kind)
        }
        Verb::Delete => (Method::DELETE, call.place.path(), "application/json"),
    };
    let mut query = String::new();
    if matches!(call.verb, Verb::Create | Verb::Patch) {
        query = format!("?fieldManager={MANAGER}");
        // What a server would leave out of an event is no loss.
        if call.place.resource != Resource::Event {
            query.push_str("&fieldValidation=Strict");
        }
        if call.dry_run {
            query.push_str("&dryRun=All");
        }
    }
    let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
    Request::builder()
        .method(method)
        .uri(format!("{path}{query}"))
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, kind)
        .body(Body::from(body.into_bytes()))
        .map_err(|error| Failure::Refused {
            status: 0,
            message: format!("{}: {error}", call.place),
        })
}

fn failure(place: &Place, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = match said["message"].as_str() {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => format!("{place}: HTTP status {status}"),
    };
    let after = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok());
    let after = after
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    match status.as_u16() {
        404 => Failure::NotFound(message),
        409 => Failure::Conflict(message),
        429 => Failure::Busy { after },
        408 | 500.. => Failure::Unknown(message),
        status => Failure::Refused { status, message },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(status: u16, headers: &[(&'static str, &'static str)], message: &str) -> Failure {
        let place = Place::of_cluster(Resource::PersistentVolume, "a");
        let headers = headers.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, http::HeaderValue::from_static(value))
        });
        let body = json!({"kind": "Status", "message": message}).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        failure(&place, status, &headers.collect(), body.as_bytes())
    }

    #[test]
    fn only_what_certainly_was_not_done_is_said_to_be_so() {
        assert_eq!(said(404, &[], "no"), Failure::NotFound("no".into()));
        assert_eq!(said(409, &[], "rv"), Failure::Conflict("rv".into()));
        let after = Some(Duration::from_secs(3));
        assert_eq!(
            said(429, &[("retry-after", "3")], ""),
            Failure::Busy { after }
        );
        for status in [408, 500, 503, 504] {
            assert_eq!(said(status, &[], "?"), Failure::Unknown("?".into()));
        }
        let message = "hook".to_owned();
        for status in [400, 401, 403, 422] {
            let message = message.clone();
            assert_eq!(
                said(status, &[], "hook"),
                Failure::Refused { status, message }
            );
        }
    }

    #[test]
    fn what_is_written_is_marked_as_ours() {
        let place = Place {
            resource: Resource::Claim,
            namespace: "n".into(),
            name: "c".into(),
        };
        let call = |verb, dry_run| Call {
            verb,
            place: place.clone(),
            body: None,
            dry_run,
        };
        let uri = |call: &Call| request(call).unwrap().uri().to_string();
        let claims = "/api/v1/namespaces/n/persistentvolumeclaims";
        assert_eq!(uri(&call(Verb::Get, false)), format!("{claims}/c"));
        assert_eq!(uri(&call(Verb::Delete, false)), format!("{claims}/c"));
        let ours = "fieldManager=flex2csi&fieldValidation=Strict";
        assert_eq!(uri(&call(Verb::Patch, false)), format!("{claims}/c?{ours}"));
        let created = uri(&call(Verb::Create, true));
        assert_eq!(created, format!("{claims}?{ours}&dryRun=All"));
    }
}
