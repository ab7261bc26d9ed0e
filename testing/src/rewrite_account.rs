//! Who the Job of `deploy/rewrite` is, with the rights that it has there.

use crate::Cluster;
use crate::applied::applied;
use crate::deployed::deployed;
use crate::users::User;

const FILES: [&str; 7] = [
    // For the namespace of pin pods.
    "rbac/node-account.yaml",
    "rbac/plan.yaml",
    "rbac/rewrite.yaml",
    "rbac/rewrite-pins.yaml",
    "rbac/rewrite-restart.yaml",
    "rbac/rewrite-fence.yaml",
    "rewrite/account.yaml",
];

/// The Job's account.
#[must_use]
pub fn user() -> User {
    User::service_account("flex2csi-rewrite", "flex2csi-rewrite")
}

/// Gives it what `deploy/rewrite` gives it, and these components, as `restart`.
///
/// # Errors
/// The server's message, when it refuses an object.
pub async fn install(cluster: &Cluster, components: &[&str]) -> Result<(), String> {
    for file in FILES {
        applied(cluster, deployed(file)).await?;
    }
    for component in components {
        let file = format!("components/{component}/rights.yaml");
        applied(cluster, deployed(&file)).await?;
    }
    Ok(())
}
