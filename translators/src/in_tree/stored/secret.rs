//! New Secrets beside a volume, where the CSI driver reads other keys.

use super::super::ceph::ADMIN;
use crate::context::Context;
use crate::digest::sha256_hex;
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
    metadata.set("name", ceph_secret_name(legacy, user));
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

/// The new Secret's name: another one for each user, as it holds the user's name.
/// No name of a user has a dot in it here, so no two users share one.
pub(crate) fn ceph_secret_name(legacy: &str, user: &str) -> String {
    let name = match user {
        "" | ADMIN => legacy.to_owned(),
        user if is_label(user) => format!("{legacy}.{user}"),
        user => format!("{legacy}.{}", &sha256_hex(user)[..DIGEST]),
    };
    if name.len() + SUFFIX.len() <= NAME_BYTES {
        return format!("{name}{SUFFIX}");
    }
    let digest = &sha256_hex(&name)[..DIGEST];
    let kept = name
        .get(..NAME_BYTES - SUFFIX.len() - DIGEST - 1)
        .unwrap_or_default();
    let kept = kept.trim_end_matches(['-', '.']);
    format!("{kept}-{digest}{SUFFIX}")
}

/// Kubernetes' limit for the name of an object (`DNS1123SubdomainMaxLength`).
const NAME_BYTES: usize = 253;
const SUFFIX: &str = "-csi";
/// So many digits tell names apart that have to be cut.
const DIGEST: usize = 8;

/// Whether a text can stand between the dots of an object's name.
fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(plain) && !text.starts_with('-')
}

/// The in-tree plugins took `key`, or the one entry there was.
fn legacy_key(name: &str, namespace: &str, context: &Context<'_>) -> Option<String> {
    let data = context
        .secrets?
        .get(&(namespace.to_owned(), name.to_owned()))?;
    let only = (data.len() == 1).then(|| data.values().next()).flatten();
    data.get("key").or(only).cloned()
}

#[cfg(test)]
mod tests {
    use super::ceph_secret_name;

    #[test]
    fn each_user_has_a_secret_of_its_own() {
        assert_eq!(ceph_secret_name("ceph", "admin"), "ceph-csi");
        assert_eq!(ceph_secret_name("ceph", "kube"), "ceph.kube-csi");
        assert_ne!(
            ceph_secret_name("ceph", "a-b"),
            ceph_secret_name("ceph-a", "b")
        );
        assert_ne!(
            ceph_secret_name("ceph", "Kube"),
            ceph_secret_name("ceph", "kube")
        );
    }

    #[test]
    fn names_are_valid_whatever_the_user_is_called() {
        for user in ["Kube_1", "client.kube", "-", "é", &"u".repeat(300)] {
            let name = ceph_secret_name(&"s".repeat(240), user);
            assert!(name.len() <= 253, "{name}");
            let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(name.chars().all(valid), "{name}");
            assert!(!name.contains(".-"), "{name}");
        }
        let other = ceph_secret_name(&"s".repeat(253), "kube");
        assert_ne!(other, ceph_secret_name(&"s".repeat(253), "bob"));
    }
}
