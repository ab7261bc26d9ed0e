//! The API server, as the fence asks it.

use std::time::Duration;

use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::CLAIM;
use super::error::{FenceError, REMOVAL};
use super::policy::NAME;
use super::users::namespaces;
use crate::api_request::readiness::Doubt;
use crate::api_request::{FIELD_MANAGER, RequestError, find, request};

/// How long the API server may be away.
const OUTAGE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

const GROUP: &str = "admissionregistration.k8s.io";

pub(super) fn policies() -> ApiResource {
    resource(
        GROUP,
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
    )
}

pub(super) fn bindings() -> ApiResource {
    resource(
        GROUP,
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
    )
}

pub(super) fn fences() -> ApiResource {
    resource("flex2csi.io", "v1alpha1", "ClaimFence", "claimfences")
}

pub(super) fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// The API server, for as long as an outage may last.
#[derive(Clone)]
pub(super) struct Server(pub(super) Client);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").finish_non_exhaustive()
    }
}

impl Server {
    fn api(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        match namespace {
            "" => Api::all_with(self.0.clone(), resource),
            namespace => Api::namespaced_with(self.0.clone(), namespace, resource),
        }
    }

    /// Makes an object, unless there is one.
    pub(super) async fn make(
        &self,
        resource: &ApiResource,
        namespace: &str,
        object: &Value,
        what: &'static str,
    ) -> Result<(), FenceError> {
        let api = self.api(resource, namespace);
        let object: DynamicObject = match serde_json::from_value(object.clone()) {
            Ok(object) => object,
            Err(error) => {
                let message = error.to_string();
                return Err(FenceError::Refused { what, message });
            }
        };
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let mut silent = Silent::new(&self.0, what);
        loop {
            match request(api.create(&parameters, &object)).await {
                Ok(_) | Err(RequestError::Conflict) => return Ok(()),
                Err(RequestError::NotFound) => {
                    return Err(match resource.group == GROUP {
                        true => FenceError::Unknown,
                        false => FenceError::NoKind,
                    });
                }
                Err(error) => silent.take(error).await?,
            }
        }
    }

    /// Changes the object; `None` if there is none.
    pub(super) async fn change(
        &self,
        resource: &ApiResource,
        namespace: &str,
        patch: Value,
        what: &'static str,
    ) -> Result<Option<Value>, FenceError> {
        let (api, patch) = (self.api(resource, namespace), Patch::Merge(patch));
        let mut silent = Silent::new(&self.0, what);
        loop {
            match request(api.patch(NAME, &parameters(), &patch)).await {
                Ok(object) => return Ok(serde_json::to_value(object).ok()),
                Err(RequestError::NotFound) => return Ok(None),
                Err(error) => silent.take(error).await?,
            }
        }
    }

    pub(super) async fn look(
        &self,
        resource: &ApiResource,
        namespace: &str,
    ) -> Result<Option<Value>, FenceError> {
        let api = self.api(resource, namespace);
        let mut silent = Silent::new(&self.0, "look at the fence");
        loop {
            match find(api.get(NAME)).await {
                Ok(object) => {
                    return Ok(object.and_then(|object| serde_json::to_value(object).ok()));
                }
                Err(error) => silent.take(error).await?,
            }
        }
    }

    /// Takes all of it down: what fences first, what tells where that is last. Not if
    /// somebody has joined since the policy was seen.
    pub(super) async fn remove(&self, policy: &Value) -> Result<bool, FenceError> {
        for namespace in namespaces(policy) {
            self.delete(&fences(), &namespace, None).await?;
        }
        let text = |key: &str| policy["metadata"][key].as_str().map(str::to_owned);
        let seen = Preconditions {
            uid: text("uid"),
            resource_version: text("resourceVersion"),
        };
        if !self.delete(&policies(), "", Some(seen)).await? {
            return Ok(false);
        }
        self.delete(&bindings(), "", None).await
    }

    /// Takes a claim out of its namespace's fence, if it was this process that took it in
    /// last.
    pub(super) async fn take_out(
        &self,
        namespace: &str,
        claim: &str,
        who: &str,
    ) -> Result<(), FenceError> {
        let api = self.api(&fences(), namespace);
        let mut silent = Silent::new(&self.0, CLAIM);
        loop {
            let Some(fence) = self.look(&fences(), namespace).await? else {
                return Ok(());
            };
            let value = fence["claims"][claim].as_str().unwrap_or_default();
            if !value.ends_with(who) {
                return Ok(());
            }
            let patch = json!({
                "metadata": {"resourceVersion": fence["metadata"]["resourceVersion"]},
                "claims": {claim: null},
            });
            match request(api.patch(NAME, &parameters(), &Patch::Merge(patch))).await {
                Ok(_) | Err(RequestError::NotFound) => return Ok(()),
                // Others are at it, each for a claim of its own: one of them got on.
                Err(RequestError::Conflict) => {}
                Err(error) => silent.take(error).await?,
            }
        }
    }

    /// Whether it is gone.
    pub(super) async fn delete(
        &self,
        resource: &ApiResource,
        namespace: &str,
        preconditions: Option<Preconditions>,
    ) -> Result<bool, FenceError> {
        let api = self.api(resource, namespace);
        let parameters = DeleteParams {
            preconditions,
            ..DeleteParams::default()
        };
        let mut silent = Silent::new(&self.0, REMOVAL);
        loop {
            match request(api.delete(NAME, &parameters)).await {
                Ok(_) | Err(RequestError::NotFound) => return Ok(true),
                Err(RequestError::Conflict) => return Ok(false),
                Err(error) => silent.take(error).await?,
            }
        }
    }
}

/// Since when nothing is heard.
struct Silent<'a> {
    client: &'a Client,
    what: &'static str,
    since: Option<Instant>,
    doubt: Doubt,
}

impl<'a> Silent<'a> {
    fn new(client: &'a Client, what: &'static str) -> Self {
        Self {
            client,
            what,
            since: None,
            doubt: Doubt::default(),
        }
    }

    async fn take(&mut self, error: RequestError) -> Result<(), FenceError> {
        let what = self.what;
        match error {
            RequestError::Forbidden(message)
                if self.doubt.may_pass(self.client, &message).await => {}
            RequestError::Forbidden(message) | RequestError::Invalid(message) => {
                return Err(FenceError::Refused { what, message });
            }
            RequestError::NotFound => {
                let message = "there is none".to_owned();
                return Err(FenceError::Refused { what, message });
            }
            RequestError::Conflict => {}
            RequestError::Unavailable(message) => {
                let since = *self.since.get_or_insert_with(Instant::now);
                if since.elapsed() >= OUTAGE {
                    return Err(FenceError::Unreachable { what, message });
                }
            }
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
