//! Rights of `deploy/rbac`, for a user who has no others.

use serde_json::{Value, json};

use crate::Cluster;
use crate::applied::applied;
use crate::deployed::deployed;
use crate::users::User;

/// What `deploy/rewrite` binds to every Job: a file of `deploy/rbac`, and which of its roles.
pub const OF_EACH_REWRITE: [(&str, &str); 3] = [
    ("plan", "flex2csi-plan"),
    ("rewrite", "flex2csi-rewrite"),
    ("rewrite-fence", "flex2csi-rewrite-fence-look"),
];

/// Gives a user roles of files in `deploy/rbac`: ClusterRoles everywhere, and Roles of these
/// names in their namespaces, which are made.
///
/// # Errors
/// The server's message, when it refuses an object.
pub async fn granted(cluster: &Cluster, user: &User, roles: &[(&str, &str)]) -> Result<(), String> {
    for (file, role) in roles {
        let objects = deployed(&format!("rbac/{file}.yaml"));
        let of_name = objects
            .iter()
            .filter(|object| object["metadata"]["name"] == **role);
        let bindings: Vec<Value> = of_name.map(|object| binding(object, user)).collect();
        if bindings.is_empty() {
            return Err(format!("{file}.yaml has no role {role}"));
        }
        applied(cluster, objects).await?;
        applied(cluster, bindings).await?;
    }
    Ok(())
}

fn binding(role: &Value, user: &User) -> Value {
    let group = "rbac.authorization.k8s.io";
    let (kind, name) = (&role["kind"], &role["metadata"]["name"]);
    let mut binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": format!("{}Binding", kind.as_str().unwrap_or_default()),
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user.name}],
    });
    if let Some(namespace) = role["metadata"].get("namespace") {
        binding["metadata"]["namespace"] = namespace.clone();
    }
    binding
}
