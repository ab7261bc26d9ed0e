//! `--fence`: while the volume of a claim is rewritten, new pods that name the claim are
//! turned away, and the claim cannot be deleted.
//!
//! All processes with `--fence` share one policy. Who uses it stands in its annotations,
//! renewed; the last one to end removes it, and the next run if none lives any more.

mod error;
mod left;
mod policy;
mod server;
mod users;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::rewrite::ClaimId;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub use self::error::FenceError;
pub use self::left::{at_start, remove_left};
use self::policy::{NAME, PROBE};
use self::server::{Server, bindings, fences, parameters, policies, resource};
use self::users::{HOLDER, NAMESPACE, holders, now, renew};
use crate::api_request::{RequestError, request};
use crate::drive::work::line;

const CLAIM: &str = "a claim of the fence";

/// How long the API server may take to put the policy in force.
const IN_FORCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// A fence that this process uses.
#[derive(Debug)]
pub struct Fence {
    server: Server,
    who: String,
    /// Namespaces that are noted in the policy, and have a ClaimFence.
    namespaces: Mutex<BTreeSet<String>>,
    renewing: JoinHandle<()>,
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Fence {
    /// Installs it, or joins those who use it.
    ///
    /// # Errors
    /// The API server does not do it.
    pub async fn install(client: &Client, holder: &str) -> Result<Arc<Self>, FenceError> {
        let server = Server(client.clone());
        let who = sha256_hex(holder.as_bytes())[..16].to_owned();
        let mut policy = policy::policy();
        policy["metadata"]["annotations"] = json!({format!("{HOLDER}{who}"): now()});
        server.make(&policies(), "", &policy, "the policy").await?;
        // Of an earlier version, perhaps, and without us.
        let wanted = json!({"metadata": policy["metadata"], "spec": policy["spec"]});
        server.change(&policies(), "", wanted, "the policy").await?;
        server
            .make(&bindings(), "", &policy::binding(), "the policy's binding")
            .await?;
        let renewing = tokio::spawn(renew(client.clone(), who.clone()));
        Ok(Arc::new(Self {
            server,
            who,
            namespaces: Mutex::default(),
            renewing,
        }))
    }

    fn has(&self, namespace: &str) -> bool {
        let all = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.contains(namespace)
    }

    /// Fences a claim, and waits until that is in force.
    ///
    /// # Errors
    /// It is not.
    pub async fn raise(&self, claim: &ClaimId) -> Result<(), FenceError> {
        let namespace = claim.namespace.as_str();
        let value = format!("{} {}", now(), self.who);
        let mut until = Instant::now() + IN_FORCE;
        loop {
            if !self.has(namespace) {
                self.enter(namespace).await?;
            }
            let patch = json!({"claims": {claim.name.as_str(): value}});
            let made = self
                .server
                .change(&fences(), namespace, patch, CLAIM)
                .await?;
            if made.is_some() {
                break;
            }
            // Another process, which did not see us, has removed it.
            self.leave(namespace);
        }
        loop {
            if self.is_in_force(claim).await? {
                return Ok(());
            }
            if Instant::now() >= until {
                let name = format!("{namespace}/{}", claim.name);
                return Err(FenceError::NotInForce(name));
            }
            // Somebody may have removed it by hand, or half of it as it was put up.
            let has_policy = self.server.look(&policies(), "").await?.is_some();
            if !has_policy || self.server.look(&bindings(), "").await?.is_none() {
                self.put_up_again().await?;
                until = Instant::now() + IN_FORCE;
            }
            sleep(LOOK).await;
        }
    }

    async fn put_up_again(&self) -> Result<(), FenceError> {
        let mut policy = policy::policy();
        let mut annotations = json!({format!("{HOLDER}{}", self.who): now()});
        let namespaces: Vec<String> = {
            let all = self
                .namespaces
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.iter().cloned().collect()
        };
        for namespace in namespaces {
            annotations[format!("{NAMESPACE}{namespace}")] = "".into();
        }
        policy["metadata"]["annotations"] = annotations;
        self.server
            .make(&policies(), "", &policy, "the policy")
            .await?;
        self.server
            .make(&bindings(), "", &policy::binding(), "the policy's binding")
            .await
    }

    /// Notes a namespace before anything is made in it.
    async fn enter(&self, namespace: &str) -> Result<(), FenceError> {
        let note = json!({"metadata": {"annotations": {format!("{NAMESPACE}{namespace}"): ""}}});
        if self
            .server
            .change(&policies(), "", note, "the policy")
            .await?
            .is_none()
        {
            self.put_up_again().await?;
        }
        let fence = policy::claims(namespace);
        self.server
            .make(&fences(), namespace, &fence, "a ClaimFence")
            .await?;
        let mut all = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(namespace.to_owned());
        Ok(())
    }

    fn leave(&self, namespace: &str) {
        let mut all = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.remove(namespace);
    }

    /// Whether the API server refuses, as the fence has it, what would change nothing.
    async fn is_in_force(&self, claim: &ClaimId) -> Result<bool, FenceError> {
        let resource = resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
        let claims = Api::<DynamicObject>::namespaced_with(
            self.server.0.clone(),
            &claim.namespace,
            &resource,
        );
        let probe = json!({"metadata": {"annotations": {PROBE: self.who}}});
        let mut parameters = parameters();
        parameters.dry_run = true;
        let probed = request(claims.patch(&claim.name, &parameters, &Patch::Merge(probe))).await;
        match probed {
            Ok(_) | Err(RequestError::Conflict | RequestError::Unavailable(_)) => Ok(false),
            // What rewrites it says so.
            Err(RequestError::NotFound) => Ok(true),
            Err(RequestError::Forbidden(message) | RequestError::Invalid(message)) => {
                if message.contains(NAME) {
                    return Ok(true);
                }
                let what = "to change a claim (which is tried, not done)";
                Err(FenceError::Refused { what, message })
            }
        }
    }

    /// Lets pods use a claim again, unless another process has fenced it since.
    pub async fn lower(&self, claim: &ClaimId) {
        let namespace = claim.namespace.as_str();
        let done = self
            .server
            .take_out(namespace, &claim.name, &self.who)
            .await;
        if let Err(error) = done {
            tracing::warn!(%error, claim = claim.name, namespace, "the fence is not lowered yet");
        }
    }

    /// Does something while a claim is fenced.
    ///
    /// # Errors
    /// There is no fence, or what is done fails.
    pub async fn around<T>(
        &self,
        claim: &ClaimId,
        work: impl Future<Output = Result<T, crate::rewrite::Stopped>>,
    ) -> anyhow::Result<T> {
        let done = match self.raise(claim).await {
            Ok(()) => work.await.map_err(Into::into),
            Err(error) => Err(error.into()),
        };
        self.lower(claim).await;
        done
    }

    /// Removes it at the end of a run; what keeps it from being removed is said.
    pub async fn at_end(&self) {
        if let Err(error) = self.remove().await {
            line(&format!(
                "warning: the fence is still there: {error}; `flex2csi rewrite --remove-fence` removes it"
            ));
        }
    }

    /// Removes it, if nobody else uses it.
    ///
    /// # Errors
    /// The API server does not do it.
    pub async fn remove(&self) -> Result<(), FenceError> {
        self.renewing.abort();
        let patch = json!({"metadata": {"annotations": {format!("{HOLDER}{}", self.who): null}}});
        let Some(policy) = self
            .server
            .change(&policies(), "", patch, "the policy")
            .await?
        else {
            return Ok(());
        };
        match holders(&policy).is_empty() {
            true => self.server.remove(&policy).await.map(|_| ()),
            false => Ok(()),
        }
    }
}
