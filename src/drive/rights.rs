//! Whether all that a rewrite needs is allowed, before anything is touched.

use kube::Client;

use crate::exit::Usage;
use crate::plan::request::RequestError;
use crate::plan::rights::{missing, needed};

/// Asks for all rights: those for StorageClasses only if there may be some, those for
/// claims only if the claims of all namespaces may be meant.
///
/// # Errors
/// One is missing, or the API server does not say.
pub async fn check(client: &Client, classes: bool, claims: bool) -> anyhow::Result<()> {
    let missing = match missing(client, &needed(classes, claims)).await {
        Ok(missing) => missing,
        // Whoever may not ask has to find out.
        Err(RequestError::Forbidden { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Err(Usage(format!(
        "nothing was done: you may not {}; deploy/rbac/rewrite.yaml has the rights",
        names.join(", ")
    ))
    .into())
}
