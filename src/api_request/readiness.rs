//! Whether an API server that turns somebody away knows who may do what.
//!
//! One that was just started answers before it has read all roles and bindings, and then
//! refuses what it will allow a moment later.

use std::time::Duration;

use http::Request;
use kube::Client;
use tokio::time::{Instant, sleep};

use super::{RequestError, request};

/// For how long a server that is not ready is waited for. Where nobody may ask whether it
/// is (`system:public-info-viewer` gives the right to all), a refusal takes so long.
const SETTLES: Duration = Duration::from_secs(5);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

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

/// Waits until a server is ready, but not for long; whether it was not at first.
pub async fn settle(client: &Client) -> bool {
    let until = Instant::now() + SETTLES;
    let mut was_unready = false;
    while !is_ready(client).await {
        was_unready = true;
        if Instant::now() >= until {
            break;
        }
        sleep(LOOK).await;
    }
    was_unready
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
