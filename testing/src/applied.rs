//! Objects that a test puts into its cluster.

use serde_json::Value;

use crate::Cluster;
use crate::dry_run::Server;

/// Applies objects of any kind that the server knows, in their order, with strict
/// field validation, and gives them as they are stored. Namespaces that are
/// missing are created.
///
/// # Errors
/// The server's message, when it refuses an object; those before it are there.
pub async fn applied(
    cluster: &Cluster,
    objects: impl IntoIterator<Item = Value>,
) -> Result<Vec<Value>, String> {
    let server = Server::connect(cluster).await?;
    let mut stored = Vec::new();
    for object in objects {
        stored.push(server.apply(object, false).await?);
    }
    Ok(stored)
}
