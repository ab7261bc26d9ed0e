//! Quobyte.
//!
//! # In-tree source
//! `quobyte` of plugin `kubernetes.io/quobyte`, in PersistentVolumes and pods, up to
//! Kubernetes 1.24. No runtime translation ever existed.
//!
//! # CSI driver
//! `csi.quobyte.com`, or as the value `driver` says.
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `tenant`, `volume` | `volumeHandle`: joined with `\|`; the tenant is the value's where the source has none |
//! | `readOnly` | the same |
//!
//! `nodePublishSecretRef` is the values'; without it both have to be uuids.
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! Parameters get the driver's spelling; `adminSecretName` is the Secret of all calls.
//!
//! # What is lost
//! `registry`, `user` and `group`.
//!
//! # References
//! quobyte-csi-driver `example/pv-existing-vol.yaml`, `example/StorageClass.yaml`

use super::stored::{
    About, InlineMode, Origin, Reach, Rewrite, Step, Store, Stored, StoredCsi, field, missing,
    read_parameters, said_by, set_provisioner, text, write_csi,
};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;
use crate::storage_class::StorageClass;
use crate::values::ValueSpec;

pub(super) struct Quobyte;

/// The calls that talk to Quobyte.
const CALLS: [&str; 3] = ["provisioner", "controller-expand", "node-publish"];

const ABOUT: About = About {
    field: "quobyte",
    plugin: "kubernetes.io/quobyte",
    provisioners: &["kubernetes.io/quobyte"],
    driver: Some("csi.quobyte.com"),
    block: false,
    inline: InlineMode::ManyOrReadOnly,
    reach: Reach::NeedsValue,
    summary: "A pre-provisioned volume of Quobyte's driver, by the names or ids of tenant and volume.",
    known: &["registry", "volume", "tenant", "user", "group", "readOnly"],
    fields: &[
        field(
            "spec.csi.driver",
            "values driver",
            "csi.quobyte.com without it",
        ),
        field(
            "spec.csi.volumeHandle",
            "spec.quobyte.tenant, spec.quobyte.volume",
            "joined with |; the tenant from values tenant where the source has none",
        ),
        field("spec.csi.readOnly", "spec.quobyte.readOnly", ""),
        field(
            "spec.csi.nodePublishSecretRef",
            "values secretName, secretNamespace",
            "needed where the handle holds names; ids need none",
        ),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![
        text(
            "tenant",
            false,
            "the name or uuid of the tenant that owns volumes which name none (`qmgmt tenant list`)",
        ),
        text(
            "secretName",
            true,
            "the Secret with Quobyte's user and password, with which the driver looks names up",
        ),
        text("secretNamespace", true, "the namespace of secretName"),
        text(
            "driver",
            false,
            "the CSI driver's name, if not csi.quobyte.com",
        ),
    ]
}

/// Whether the text is a uuid, which Quobyte needs not look up.
fn is_uuid(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let fits = groups.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    fits && parts.next().is_none()
}

impl Store for Quobyte {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = Origin::read(pv, &ABOUT, step)?;
        let volume = origin.required("volume")?;
        let mut tenant = origin.text("tenant")?.into_owned();
        if tenant.is_empty() {
            match step.values().text(ABOUT.field, "tenant") {
                Some(site) => site.clone_into(&mut tenant),
                // A volume's uuid says all; a name is one of a tenant's.
                None if is_uuid(&volume) => {}
                None => return Err(missing(&ABOUT, "tenant")),
            }
        }
        let ids = is_uuid(&volume) && (tenant.is_empty() || is_uuid(&tenant));
        let secret = super::ceph::site_secret(&ABOUT, step)?;
        if secret.is_none() && !ids {
            return Err(missing(&ABOUT, "secretName"));
        }
        for (name, why) in [
            ("registry", "it is the Quobyte client's own setting"),
            ("user", "access follows the Secret and the pod's user"),
            ("group", "access follows the Secret and the pod's user"),
        ] {
            origin.dropped(name, why, step);
        }
        let driver = step.driver(&ABOUT);
        let mut csi = Object::new();
        csi.set("driver", driver.clone());
        csi.set("volumeHandle", format!("{tenant}|{volume}"));
        csi.set("readOnly", origin.read_only);
        if let Some(secret) = secret {
            csi.set("nodePublishSecretRef", secret);
        }
        write_csi(pv, &ABOUT, csi)?;
        step.retain_only(pv)?;
        step.note(
            Code::ExpandByHand,
            &["spec"],
            "the driver expands only volumes that it made",
        );
        Ok(Stored::Csi(StoredCsi::of(driver, &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        let old = read_parameters(class)?;
        let mut new = Rewrite::default();
        let mut secret = (String::new(), "default".to_owned());
        for (key, value) in old {
            match key.to_lowercase().as_str() {
                "quobytetenant" => new.rename(&key, "quobyteTenant", value, step),
                "quobyteconfig" => new.rename(&key, "quobyteConfig", value, step),
                // The in-tree plugin asked for True or False.
                "createquota" => new.rename(&key, "createQuota", value.to_lowercase(), step),
                "user" => new.rename(&key, "user", value, step),
                "group" => new.rename(&key, "group", value, step),
                "adminsecretname" => {
                    said_by(&key, "a Secret for each call of the driver", step);
                    secret.0 = value;
                }
                "adminsecretnamespace" => secret.1 = value,
                _ => new.rest(&key, value, step),
            }
        }
        let values = step.values();
        if let (Some(name), Some(namespace)) = (
            values.text(ABOUT.field, "secretName"),
            values.text(ABOUT.field, "secretNamespace"),
        ) {
            secret = (name.to_owned(), namespace.to_owned());
        }
        if !secret.0.is_empty() {
            new.secret(&CALLS, &secret.0, &secret.1);
        }
        new.write(class);
        set_provisioner(class, &step.driver(&ABOUT), step);
        Ok(())
    }

    fn class_secrets(&self, class: &StorageClass) -> Option<Vec<(String, String)>> {
        let name = super::ceph::parameter(&class.parameters, "adminsecretname");
        let namespace = super::ceph::parameter(&class.parameters, "adminsecretnamespace");
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let mut secrets = Rewrite::default();
        if !name.is_empty() {
            secrets.secret(&CALLS, name, namespace);
        }
        Some(secrets.into_parameters())
    }
}

#[cfg(test)]
mod tests {
    use super::is_uuid;

    #[test]
    fn names_are_not_ids() {
        assert!(is_uuid("8ba86a6d-1f5b-4c41-9e53-0f8a3ce8f1b2"));
        assert!(!is_uuid("8ba86a6d-1f5b-4c41-9e53-0f8a3ce8f1b2-0"));
        assert!(!is_uuid("data-1f5b-4c41-9e53-0f8a3ce8f1b2"));
        assert!(!is_uuid(""));
    }
}
