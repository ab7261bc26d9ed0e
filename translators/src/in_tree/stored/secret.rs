//! New Secrets beside a volume, where the CSI driver reads other keys.

use crate::context::Context;
use crate::json::Object;

/// A Secret with the keys of ceph-csi, beside the legacy one. The key's value
/// is only there if the caller gave the legacy Secret's content.
pub(crate) fn ceph_secret(
    legacy: &str,
    namespace: &str,
    user: &str,
    context: &Context<'_>,
) -> Object<'static> {
    let mut metadata = Object::new();
    metadata.set("name", ceph_secret_name(legacy));
    metadata.set("namespace", namespace.to_owned());
    let mut plain = Object::new();
    plain.set("userID", user.to_owned());
    let mut secret = Object::new();
    secret.set("apiVersion", "v1");
    secret.set("kind", "Secret");
    secret.set("metadata", metadata);
    secret.set("type", "Opaque");
    match legacy_key(legacy, namespace, context) {
        Some(key) => {
            let data: Object<'static> = [("userKey", key)].into_iter().collect();
            secret.set("stringData", plain);
            secret.set("data", data);
        }
        None => {
            plain.set("userKey", "");
            secret.set("stringData", plain);
        }
    }
    secret
}

/// The new Secret's name.
pub(crate) fn ceph_secret_name(legacy: &str) -> String {
    format!("{legacy}-csi")
}

/// The in-tree plugins took `key`, or the one entry there was.
fn legacy_key(name: &str, namespace: &str, context: &Context<'_>) -> Option<String> {
    let data = context
        .secrets?
        .get(&(namespace.to_owned(), name.to_owned()))?;
    let only = (data.len() == 1).then(|| data.values().next()).flatten();
    data.get("key").or(only).cloned()
}
