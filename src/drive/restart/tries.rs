//! Calls for one workload, tried again for as long as an outage may last.

use std::time::Duration;

use flex2csi_translators::plan::Workload;
use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::workload::Kind;
use crate::api_request::readiness::Doubt;
use crate::api_request::{FIELD_MANAGER, RequestError, find, request};

/// How long the API server may be away.
const OUTAGE: Duration = Duration::from_secs(300);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a workload is not stopped, or not put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// It is not there, or another one is.
    #[error("{0} was deleted or made again since it was looked at; plan again")]
    Gone(String),
    /// It must not be.
    #[error("{0} must not be stopped: {1}")]
    Forbidden(String, String),
    /// Another process has it.
    #[error("{0} is being restarted by another process")]
    Elsewhere(String),
    /// Somebody fights us.
    #[error(
        "{0} was started again by somebody else while it was stopped; find out by whom, and pause that"
    )]
    Started(String),
    /// The API server says no.
    #[error(
        "{workload}: the API server refuses it: {message}; deploy/rbac/rewrite-restart.yaml has the rights"
    )]
    Refused {
        /// Which.
        workload: String,
        /// What the server says.
        message: String,
    },
    /// The API server does not answer.
    #[error("{workload}: no answer from the API server: {message}")]
    Unreachable {
        /// Which.
        workload: String,
        /// What was heard last.
        message: String,
    },
}

/// How all that we write is marked as ours.
pub(super) fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// Calls for one workload, for as long as an outage may last.
pub(super) struct Tries<'a> {
    name: &'a str,
    silent: Option<Instant>,
    doubt: Doubt,
}

impl<'a> Tries<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        Self {
            name,
            silent: None,
            doubt: Doubt::default(),
        }
    }

    pub(super) async fn get(
        &mut self,
        client: &Client,
        kind: Kind,
        workload: &Workload,
    ) -> Result<Option<Value>, StopError> {
        let api = kind.of_namespace(client, &workload.namespace);
        loop {
            match find(api.get(&workload.name)).await {
                Ok(found) => {
                    self.silent = None;
                    let found = found.map(|object| {
                        let mut object = serde_json::to_value(object).unwrap_or_default();
                        object["kind"] = kind.name.into();
                        object
                    });
                    return Ok(found);
                }
                Err(error) => self.take(client, error).await?,
            }
        }
    }

    /// Whether it was done; else the world is to be looked at again.
    pub(super) async fn patch(
        &mut self,
        client: &Client,
        kind: Kind,
        workload: &Workload,
        patch: &Value,
    ) -> Result<Option<()>, StopError> {
        let api = kind.of_namespace(client, &workload.namespace);
        let done = request(api.patch(&workload.name, &parameters(), &Patch::Merge(patch))).await;
        match done {
            Ok(_) => Ok(Some(())),
            Err(error) => self.take(client, error).await.map(|()| None),
        }
    }

    async fn take(&mut self, client: &Client, error: RequestError) -> Result<(), StopError> {
        let workload = self.name.to_owned();
        match error {
            RequestError::Conflict | RequestError::NotFound => {}
            RequestError::Forbidden(message) if self.doubt.may_pass(client, &message).await => {}
            RequestError::Forbidden(message) | RequestError::Invalid(message) => {
                return Err(StopError::Refused { workload, message });
            }
            RequestError::Unavailable(message) => {
                let since = *self.silent.get_or_insert_with(Instant::now);
                if since.elapsed() >= OUTAGE {
                    return Err(StopError::Unreachable { workload, message });
                }
            }
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
