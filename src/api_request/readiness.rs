//! Whether an API server that turns somebody away knows who may do what.
//!
//! One that was just started answers before it has read all roles and bindings, and then
//! refuses what it will allow a moment later.

use std::time::Duration;

use http::Request;
use kube::Client;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{RequestError, request};

/// For how long a server that is not ready is waited for. Where nobody may ask whether it
/// is (`system:public-info-viewer` gives the right to all), a refusal takes so long.
const SETTLES: Duration = Duration::from_secs(5);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// A server that was ready stays so for as long as this, for all that we know: another may
/// stand in its place by then.
const LASTS: Duration = Duration::from_secs(30);

/// When a server that many questions are put to was found ready last.
#[derive(Debug, Default)]
pub struct Readiness {
    since: Mutex<Option<Instant>>,
}

impl Readiness {
    /// Whether what was asked at a time and turned down is worth asking again: it was not known
    /// to be ready then. Waits until it is.
    pub async fn came_after(&self, client: &Client, asked: Instant) -> bool {
        let mut since = self.since.lock().await;
        let lasts = since.filter(|since| since.elapsed() < LASTS);
        if lasts.is_none() {
            settle(client).await;
            *since = Some(Instant::now());
        }
        since.is_some_and(|since| since > asked)
    }
}

/// A caller's doubt about refusals: each gets one more try.
#[derive(Debug, Default)]
pub struct Doubt {
    was_settled: bool,
}

impl Doubt {
    /// Whether a call that was refused with these words is worth another try, once the
    /// server is ready: if it was for want of rights, and for the first time.
    pub async fn may_pass(&mut self, client: &Client, message: &str) -> bool {
        if !is_of_rights(message) || std::mem::replace(&mut self.was_settled, true) {
            return false;
        }
        settle(client).await;
        true
    }
}

/// Waits until a server is ready, but not for long.
async fn settle(client: &Client) {
    let until = Instant::now() + SETTLES;
    while !is_ready(client).await && Instant::now() < until {
        sleep(LOOK).await;
    }
}

/// By its own word: `/readyz` has the checks `informer-sync` and
/// `poststarthook/rbac/bootstrap-roles` (kubernetes v1.36). One that has no such path is
/// taken as it is.
async fn is_ready(client: &Client) -> bool {
    let Ok(asked) = Request::get("/readyz").body(Vec::new()) else {
        return true;
    };
    match request(client.request_text(asked)).await {
        Ok(_) | Err(RequestError::NotFound | RequestError::Conflict | RequestError::Invalid(_)) => {
            true
        }
        Err(RequestError::Forbidden(_) | RequestError::Unavailable(_)) => false,
    }
}

/// Whether it is the authorizer that refuses, or who checks tokens, and no webhook or policy
/// (k8s.io/apiserver v0.36, `pkg/endpoints/handlers/responsewriters/errors.go`).
fn is_of_rights(message: &str) -> bool {
    message.contains("\" cannot ") || message == "Unauthorized"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_want_of_rights_is_doubted() {
        let of_rights = "persistentvolumes \"a\" is forbidden: User \"u\" cannot patch resource \
                         \"persistentvolumes\" in API group \"\" at the cluster scope";
        assert!(is_of_rights(of_rights));
        assert!(is_of_rights("Unauthorized"));
        for other in [
            "persistentvolumes \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' \
             denied request: ask first",
            "admission webhook \"w\" denied the request: no",
        ] {
            assert!(!is_of_rights(other), "{other}");
        }
    }
}
