//! Leader election by a Lease, by the rules of client-go's `leaderelection`: who
//! leads renews; who does not takes over when the Lease has not changed for as long
//! as it lasts, by its own clock. The clocks of two nodes are never compared.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api_request::{FIELD_MANAGER, RequestError, find, request};

/// The Lease.
pub const LEASE: &str = "flex2csi-controller";

/// How long a leader may be silent before another one takes over.
const LASTS: Duration = Duration::from_secs(15);

/// How long a leader tries to renew before it stops to lead: less than `LASTS`, so
/// that it has stopped when another one begins.
const RENEWED_WITHIN: Duration = Duration::from_secs(10);

/// How often a leader renews, and the others look.
const EVERY: Duration = Duration::from_secs(2);

/// One candidate.
pub struct Election {
    api: Api<Lease>,
    identity: String,
}

impl std::fmt::Debug for Election {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Election")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// The Lease as it was seen, and since when.
struct Seen {
    version: String,
    since: Instant,
}

impl Election {
    /// A candidate. Two with one identity are one: a pod's name will do.
    #[must_use]
    pub fn new(client: kube::Client, namespace: &str, identity: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            identity: identity.to_owned(),
        }
    }

    /// Does `lead` whenever this is the leader, dropping it when it is not any more,
    /// until it is told to end. Then it gives the Lease back.
    pub async fn run<F>(&self, lead: impl Fn() -> F, shutdown: &CancellationToken)
    where
        F: Future<Output = ()>,
    {
        loop {
            let Some(held) = shutdown.run_until_cancelled(self.elected()).await else {
                return;
            };
            tracing::info!(identity = %self.identity, "leading");
            let lost = tokio::select! {
                () = shutdown.cancelled() => false,
                () = self.keep(held) => true,
                () = lead() => false,
            };
            if !lost {
                self.resign().await;
                if shutdown.is_cancelled() {
                    return;
                }
            }
            tracing::warn!(identity = %self.identity, "not leading any more");
        }
    }

    /// Waits until this is the leader.
    async fn elected(&self) -> Instant {
        let (mut seen, mut said) = (None, String::new());
        loop {
            let asked = Instant::now();
            match self.try_lead(&mut seen).await {
                Ok(true) => return asked,
                Ok(false) | Err(RequestError::Conflict) => said.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if error != said {
                        tracing::warn!(lease = LEASE, %error, "cannot tell who leads");
                        said = error;
                    }
                }
            }
            tokio::time::sleep(jittered(EVERY)).await;
        }
    }

    /// Takes the Lease if it is nobody's, or its holder has been silent for too long.
    async fn try_lead(&self, seen: &mut Option<Seen>) -> Result<bool, RequestError> {
        let Some(lease) = find(self.api.get(LEASE)).await? else {
            let mut lease = Lease {
                metadata: ObjectMeta {
                    name: Some(LEASE.to_owned()),
                    ..ObjectMeta::default()
                },
                spec: None,
            };
            self.write(&mut lease, &self.identity);
            request(self.api.create(&parameters(), &lease)).await?;
            return Ok(true);
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match seen {
            Some(seen) if seen.version == version => seen.since,
            _ => {
                let since = Instant::now();
                *seen = Some(Seen { version, since });
                since
            }
        };
        let holder = holder(&lease);
        let is_free = holder.is_empty() || holder == self.identity || since.elapsed() >= LASTS;
        if is_free {
            self.replace(lease, &self.identity).await?;
        }
        Ok(is_free)
    }

    /// Renews until that fails for too long, or somebody else has the Lease. `held`
    /// is when the request was sent that got it: it counts from there for others.
    async fn keep(&self, mut held: Instant) {
        loop {
            tokio::time::sleep(EVERY).await;
            let asked = Instant::now();
            let left = (held + RENEWED_WITHIN).saturating_duration_since(asked);
            match tokio::time::timeout(left, self.renew()).await {
                Ok(Ok(true)) => held = asked,
                Ok(Ok(false)) => return,
                Ok(Err(error)) if held + RENEWED_WITHIN > Instant::now() => {
                    tracing::debug!(lease = LEASE, %error, "not renewed yet");
                }
                Ok(Err(error)) => {
                    tracing::warn!(lease = LEASE, %error, "not renewed in time");
                    return;
                }
                Err(_) => {
                    tracing::warn!(lease = LEASE, "not renewed in time");
                    return;
                }
            }
        }
    }

    async fn renew(&self) -> Result<bool, RequestError> {
        let Some(lease) = find(self.api.get(LEASE)).await? else {
            return Ok(false);
        };
        if holder(&lease) != self.identity {
            return Ok(false);
        }
        match self.replace(lease, &self.identity).await {
            Err(RequestError::Conflict | RequestError::NotFound) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Gives the Lease back, so that the next one need not wait. It is no harm if
    /// that fails.
    async fn resign(&self) {
        let resigned = async {
            if let Some(lease) = find(self.api.get(LEASE)).await?
                && holder(&lease) == self.identity
            {
                self.replace(lease, "").await?;
            }
            Ok::<_, RequestError>(())
        };
        if let Err(error) = tokio::time::timeout(EVERY, resigned)
            .await
            .unwrap_or(Ok(()))
        {
            tracing::debug!(lease = LEASE, %error, "not given back");
        }
    }

    async fn replace(&self, mut lease: Lease, holder: &str) -> Result<(), RequestError> {
        self.write(&mut lease, holder);
        // With the resourceVersion that was read: of two that try, one succeeds.
        request(self.api.replace(LEASE, &parameters(), &lease)).await?;
        Ok(())
    }

    #[allow(clippy::unused_self)] // Reads as what it is beside the others.
    fn write(&self, lease: &mut Lease, new_holder: &str) {
        let now = MicroTime(Timestamp::now());
        let is_new = holder(lease) != new_holder;
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if is_new {
            spec.holder_identity = Some(new_holder.to_owned());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        }
        spec.lease_duration_seconds = i32::try_from(LASTS.as_secs()).ok();
        spec.renew_time = Some(now);
    }
}

fn holder(lease: &Lease) -> &str {
    let spec = lease.spec.as_ref();
    let holder = spec.and_then(|spec| spec.holder_identity.as_deref());
    holder.unwrap_or_default()
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

/// Up to a fifth longer, so that candidates that started together do not stay so.
/// The clock's nanoseconds are random enough for that.
fn jittered(pause: Duration) -> Duration {
    let nanos = u32::try_from(Timestamp::now().subsec_nanosecond()).unwrap_or(0);
    pause + pause / 5 * (nanos % 1000) / 1000
}
