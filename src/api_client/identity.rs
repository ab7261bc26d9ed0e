use anyhow::Context as _;
use kube::Client;

use crate::api_request::ask::{Ask, AskError};
use crate::exit::Usage;
use crate::objects::metadata::Named;

/// The uid of the namespace `kube-system`, by which a cluster is known.
///
/// # Errors
/// It cannot be asked for.
pub async fn cluster_identity(client: &Client) -> anyhow::Result<String> {
    let answer = Ask::get("/api/v1/namespaces/kube-system")
        .send(client)
        .await;
    let json = answer.map_err(|error| match error {
        AskError::Forbidden { .. } | AskError::NotFound { .. } => anyhow::Error::new(Usage(
            format!("{error}; `flex2csi plan --rbac` prints the rights that a plan needs"),
        )),
        error => anyhow::Error::new(error).context("cannot reach the cluster"),
    })?;
    let named: Named =
        serde_json::from_str(&json).context("the namespace kube-system cannot be read")?;
    Ok(named.metadata.uid)
}
