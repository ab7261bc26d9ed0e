//! What the two Ceph sources have in common when they become volumes of
//! ceph-csi: the cluster's id, and users with their keys.

use super::stored::{
    About, Origin, Rewrite, Step, ceph_secret, ceph_secret_name, claim_namespace, missing, table,
    text,
};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;
use crate::values::ValueSpec;

/// Ceph's user where a source names none.
pub(crate) const ADMIN: &str = "admin";

/// The values that both sources take.
pub(super) fn values(required: bool) -> Vec<ValueSpec> {
    vec![
        text(
            "clusterID",
            required,
            "the clusterID in ceph-csi's configuration (ConfigMap ceph-csi-config); under Rook \
             the namespace of the cluster",
        ),
        table(
            "clusters",
            false,
            "the clusterID by the volume's monitors, joined with commas as they stand, where \
             there are several clusters",
        ),
        text(
            "driver",
            false,
            "the CSI driver's name, where it is another than usual; under Rook it begins with \
             the operator's namespace, as rook-ceph.rbd.csi.ceph.com",
        ),
        text(
            "secretName",
            false,
            "an existing Secret with the keys userID and userKey, to be used by all volumes",
        ),
        text("secretNamespace", false, "the namespace of secretName"),
    ]
}

/// The source's monitors as the in-tree plugin and ceph-csi join them.
pub(super) fn monitors(origin: &Origin<'_>, about: &About) -> Result<String, Error> {
    let under = |error: crate::json::JsonError| error.under(about.field).under("spec");
    let Some(value) = origin.source.get("monitors") else {
        return Ok(String::new());
    };
    let mut value = value.clone();
    let mut joined = String::new();
    let items = value
        .open_array()
        .map_err(|error| under(error.under("monitors")))?;
    for (index, item) in items.into_iter().flatten().enumerate() {
        if index > 0 {
            joined.push(',');
        }
        let monitor = item.as_str();
        let monitor =
            monitor.map_err(|error| under(error.under(&index.to_string()).under("monitors")))?;
        joined.push_str(&monitor.unwrap_or_default());
    }
    Ok(joined)
}

/// The id under which ceph-csi knows the cluster with these monitors.
pub(super) fn cluster_id(about: &About, monitors: &str, step: &Step<'_>) -> Result<String, Error> {
    let values = step.values();
    let id = values
        .entry(about.field, "clusters", monitors)
        .or_else(|| values.text(about.field, "clusterID"));
    id.map(str::to_owned)
        .ok_or_else(|| missing(about, "clusterID"))
}

/// A reference to a Secret, and the Secret where it is a new one.
pub(super) struct Credentials<'a> {
    pub reference: Object<'a>,
    pub extra: Vec<Object<'static>>,
}

/// The Secret of a static volume, which has the keys userID and userKey.
pub(super) fn static_credentials<'a>(
    pv: &Object<'a>,
    origin: &Origin<'a>,
    about: &About,
    step: &mut Step<'_>,
) -> Result<Credentials<'a>, Error> {
    if let Some(reference) = site_secret(about, step)? {
        return Ok(Credentials {
            reference,
            extra: Vec::new(),
        });
    }
    let (name, namespace) = legacy_secret(pv, origin, about, step)?;
    let user = origin.text("user")?;
    let user = if user.is_empty() { ADMIN } else { &user };
    let new = ceph_secret_name(&name, user);
    step.note(
        Code::SecretKeysDiffer,
        &["spec", about.field, "secretRef"],
        format!(
            "ceph-csi reads userID and userKey, which {namespace}/{name} does not have; \
             the volume refers to {namespace}/{new}"
        ),
    );
    Ok(Credentials {
        extra: vec![ceph_secret(&name, &namespace, user, step.context)],
        reference: [("name", new), ("namespace", namespace)]
            .into_iter()
            .collect(),
    })
}

/// The Secret that the site names for all volumes.
pub(super) fn site_secret<'a>(about: &About, step: &Step<'_>) -> Result<Option<Object<'a>>, Error> {
    let Some(name) = step.values().text(about.field, "secretName") else {
        return Ok(None);
    };
    let namespace = step.values().text(about.field, "secretNamespace");
    let namespace = namespace.ok_or_else(|| missing(about, "secretNamespace"))?;
    let reference = [
        ("name", name.to_owned()),
        ("namespace", namespace.to_owned()),
    ];
    Ok(Some(reference.into_iter().collect()))
}

/// The source's own Secret; in a volume its namespace has to be said.
pub(super) fn legacy_secret(
    pv: &Object<'_>,
    origin: &Origin<'_>,
    about: &About,
    step: &mut Step<'_>,
) -> Result<(String, String), Error> {
    let (name, namespace) = &origin.secret;
    if name.is_empty() {
        return Err(missing(about, "secretName"));
    }
    if !namespace.is_empty() {
        return Ok((name.to_string(), namespace.to_string()));
    }
    let Some(namespace) = claim_namespace(pv, step)? else {
        return Err(missing(about, "secretName"));
    };
    step.note(
        Code::SecretNamespaceAssumed,
        &["spec", about.field, "secretRef", "namespace"],
        "the Secret is looked for in the claim's namespace",
    );
    Ok((name.to_string(), namespace.into_owned()))
}

/// What cannot be done with static volumes.
pub(super) fn static_limits(pv: &Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
    step.retain_only(pv)?;
    step.note(
        Code::ExpandByHand,
        &["spec"],
        "ceph-csi neither expands nor snapshots static volumes",
    );
    Ok(())
}

/// A parameter by its name in lower case; empty where there is none.
pub(super) fn parameter<'p>(parameters: &'p [(String, String)], name: &str) -> &'p str {
    let mut parameters = parameters.iter();
    parameters
        .find(|(key, _)| key.to_lowercase() == name)
        .map_or("", |(_, value)| value)
}

/// Says for each call of the driver what the class said of its administrator,
/// and for `mount` calls what it said of the user.
pub(super) fn class_secrets(
    old: &[(String, String)],
    admin: &[&str],
    mount: &[&str],
    about: &About,
    new: &mut Rewrite,
    step: &mut Step<'_>,
) {
    let values = step.values();
    let site = values
        .text(about.field, "secretName")
        .zip(values.text(about.field, "secretNamespace"));
    if let Some((name, namespace)) = site {
        new.secret(admin, name, namespace);
        new.secret(mount, name, namespace);
        return;
    }
    let or = |value: &str, other: &str| {
        if value.is_empty() {
            other.to_owned()
        } else {
            value.to_owned()
        }
    };
    let admin_name = parameter(old, "adminsecretname");
    let admin_namespace = or(parameter(old, "adminsecretnamespace"), "default");
    if !admin_name.is_empty() {
        new.secret(admin, admin_name, &admin_namespace);
    }
    let user_name = parameter(old, "usersecretname");
    if user_name.is_empty() {
        new.secret(mount, admin_name, &admin_namespace);
    } else {
        // Where the class names no namespace, the in-tree plugin took the claim's.
        let namespace = or(parameter(old, "usersecretnamespace"), "${pvc.namespace}");
        new.secret(mount, user_name, &namespace);
    }
    step.advise(
        Code::SecretKeysDiffer,
        &["parameters"],
        "ceph-csi reads other keys than the class's Secrets have",
        "add userID and userKey to these Secrets, or name others with the values secretName and \
         secretNamespace; CephFS needs adminID and adminKey too",
    );
}
