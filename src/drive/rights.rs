//! What a rewrite has to be allowed, and whether it is, before anything is touched.

use kube::Client;

use crate::api_request::ask::AskError;
use crate::exit::{Done, Usage};
use crate::{listing, rights};

/// Asks for all rights: those for StorageClasses only if there may be some, those for
/// claims only if the claims of all namespaces may be meant.
///
/// # Errors
/// One is missing, or the API server does not say.
pub async fn check(client: &Client, classes: bool, claims: bool) -> anyhow::Result<()> {
    let missing = match rights::missing(client, &rights::needed(classes, claims)).await {
        Ok(missing) => missing,
        // Whoever may not ask has to find out.
        Err(AskError::Forbidden { .. }) => return Ok(()),
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

/// Prints the rights that a rewrite, and the plan that it makes, need.
///
/// # Errors
/// The output cannot be written.
pub fn print(in_use: bool, fence: bool) -> anyhow::Result<Done> {
    let mut roles = vec![rights::PLAN, rights::REWRITE_ROLE, rights::PINS_ROLES];
    if in_use {
        roles.push(rights::RESTART_ROLES);
    }
    if fence {
        roles.push(rights::FENCE_ROLE);
    }
    listing::print(&roles.join("---\n"))
}
