//! Ceph images that are kept, in one of two forms that the value `rbd.form`
//! names.
//!
//! `migration`, without that value, is the runtime translation: nothing has to
//! be known but what the volume says, ceph-csi deletes and expands the image,
//! and the volume may be rewritten under running pods on a cluster that
//! translates. It needs an entry in ceph-csi's configuration, and images must
//! be the in-tree plugin's own: ceph-csi puts `kubernetes-dynamic-pvc-` before
//! the name in the handle when it deletes or expands.
//!
//! `static` is what ceph-csi documents for any image: it needs the cluster's id
//! and a Secret with other keys, and can be neither deleted nor expanded.
//!
//! Facts: ceph-csi `internal/rbd/migration.go`, `internal/rbd/nodeserver.go`
//! (initStaticVol takes the image from the attribute `imageName`),
//! `internal/util/credentials.go` (a Secret with `key` is the user `adminId`'s,
//! or admin's), `docs/static-pvc.md`.

use std::borrow::Cow;

use super::migration_handle::PROVISIONED;
use super::{
    CLUSTER_ID, DEFAULT_FEATURES, DEFAULT_POOL, DRIVER, IMAGE_FEATURES, Rbd, SECRETS, SOURCE,
    STATIC_VOLUME, VOLUME_HANDLE,
};
use crate::error::Error;
use crate::in_tree::ceph::{self, ADMIN};
use crate::in_tree::fields::Fields;
use crate::in_tree::stored::{
    About, FS_TYPE, InlineMode, Origin, Reach, Rewrite, Step, Store, Stored, StoredCsi, choice,
    class_as_at_run_time, csi, field, missing, read_parameters, said_by, set_provisioner,
    volume_as_at_run_time, write_csi,
};
use crate::json::{At, Object};
use crate::note::Code;
use crate::storage_class::StorageClass;
use crate::values::ValueSpec;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/rbd",
    provisioners: &["kubernetes.io/rbd", "ceph.com/rbd"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::OnceOrReadOnly,
    reach: Reach::Full,
    summary: "As Kubernetes 1.30 translated it at run time; with the value `form: static` a static volume of ceph-csi.",
    known: &[
        "monitors",
        "image",
        "fsType",
        "pool",
        "user",
        "keyring",
        "secretRef",
        "readOnly",
    ],
    fields: &[
        field(
            "spec.csi.driver",
            "values driver",
            "rbd.csi.ceph.com without it",
        ),
        field(
            "spec.csi.volumeHandle",
            "spec.rbd.monitors, spec.rbd.image, spec.rbd.pool",
            "mig_mons-<MD5 of the monitors>_image-<image>_<pool in hex>, or annotation rbd.csi.ceph.com/volume-handle; static: the image",
        ),
        field("spec.csi.fsType", "spec.rbd.fsType", ""),
        field("spec.csi.readOnly", "spec.rbd.readOnly", "static only"),
        field(
            "spec.csi.nodeStageSecretRef",
            "spec.rbd.secretRef",
            "a new Secret with userID and userKey if static, or if spec.rbd.user is not admin; or values secretName and secretNamespace",
        ),
        field(
            "spec.csi.controllerExpandSecretRef",
            "spec.rbd.secretRef",
            "as nodeStageSecretRef; not if static",
        ),
        field(
            "spec.csi.volumeAttributes.clusterID",
            "spec.rbd.monitors",
            "their MD5; static: values clusters, clusterID",
        ),
        field("spec.csi.volumeAttributes.pool", "spec.rbd.pool", ""),
        field(
            "spec.csi.volumeAttributes.imageName",
            "spec.rbd.image",
            "not if static",
        ),
        field(
            "spec.csi.volumeAttributes.imageFeatures",
            "annotation imageFeatures",
            "layering without it",
        ),
        field("spec.csi.volumeAttributes.staticVolume", "", "true"),
        field(
            "spec.accessModes",
            "spec.rbd.readOnly",
            "ReadOnlyMany or ReadWriteOnce; not if static",
        ),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    let mut values = vec![choice(
        "form",
        &["migration", "static"],
        "migration: as Kubernetes 1.30 translated it; static: ceph-csi's form for any image, \
         which needs clusterID",
    )];
    values.extend(ceph::values(false));
    values
}

fn is_static(step: &Step<'_>) -> bool {
    step.values().text(SOURCE, "form") == Some("static")
}

impl Store for Rbd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let extra = if is_static(step) {
            static_volume(pv, step)?
        } else {
            migrated_volume(pv, step)?
        };
        let driver = step.driver(&ABOUT);
        csi(pv)?.set("driver", driver.clone());
        Ok(Stored::Csi(StoredCsi {
            extra,
            ..StoredCsi::of(driver, &ABOUT)
        }))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        if is_static(step) {
            return dynamic_class(class, step);
        }
        let secrets = ["adminsecretname", "adminsecretnamespace"];
        class_as_at_run_time(self, &ABOUT, &secrets, class, step)?;
        step.advise(
            Code::BackendConfiguration,
            &["parameters", "clusterID"],
            "ceph-csi's configuration has to have an entry with this clusterID and the class's \
             monitors",
            "add the entry to the ConfigMap ceph-csi-config; or set the values rbd.form: static \
             and rbd.clusterID",
        );
        Ok(())
    }

    fn class_secrets(&self, class: &StorageClass) -> Option<Vec<(String, String)>> {
        let name = ceph::parameter(&class.parameters, "adminsecretname");
        let namespace = ceph::parameter(&class.parameters, "adminsecretnamespace");
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let mut secrets = Rewrite::default();
        if !name.is_empty() {
            secrets.secret(&["provisioner"], name, namespace);
        }
        Some(secrets.into_parameters())
    }
}

/// An annotation of the volume; empty where it is unset.
fn annotation<'a>(pv: &Object<'a>, name: &str) -> Result<Cow<'a, str>, Error> {
    let root = Fields::of(pv);
    let metadata = root.child("metadata")?;
    let annotations = metadata.child("annotations")?;
    Ok(annotations.entry(name)?.unwrap_or_default())
}

fn note_lost(origin: &Origin<'_>, step: &mut Step<'_>) {
    origin.dropped("keyring", "ceph-csi takes keys from Secrets only", step);
}

/// Sets what the API server sets in what it stores, and a manifest may leave out.
fn complete(pv: &mut Object<'_>) -> Result<(), Error> {
    if let Some(spec) = pv.object("spec")?
        && let Some(source) = spec.object(SOURCE).at(&["spec"])?
        && source
            .str("pool")
            .at(&["spec", SOURCE])?
            .is_none_or(|pool| pool.is_empty())
    {
        source.set("pool", DEFAULT_POOL);
    }
    Ok(())
}

fn migrated_volume<'a>(
    pv: &mut Object<'a>,
    step: &mut Step<'_>,
) -> Result<Vec<Object<'static>>, Error> {
    complete(pv)?;
    let origin = volume_as_at_run_time(&Rbd, &ABOUT, pv, step)?;
    let image = origin.required("image")?;
    note_lost(&origin, step);
    let known = annotation(pv, VOLUME_HANDLE)?;
    if known.is_empty() {
        note_migrated(pv, &image, step)?;
    } else if annotation(pv, CLUSTER_ID)?.is_empty() {
        // A handle of the driver's own names its cluster; the attribute has to too.
        let cluster = ceph::cluster_id(&ABOUT, &ceph::monitors(&origin, &ABOUT)?, step)?;
        let csi = csi(pv)?;
        if let Some(attributes) = csi.object("volumeAttributes")? {
            attributes.set(CLUSTER_ID, cluster);
        }
    }
    let credentials = migrated_credentials(pv, &origin, step)?;
    let csi = csi(pv)?;
    for call in SECRETS {
        csi.set(*call, credentials.reference.clone());
    }
    Ok(credentials.extra)
}

/// ceph-csi takes a Secret with `key` for the user admin's: another user's needs
/// other keys, which the runtime translation does not see to.
fn migrated_credentials<'a>(
    pv: &Object<'a>,
    origin: &Origin<'a>,
    step: &mut Step<'_>,
) -> Result<ceph::Credentials<'a>, Error> {
    let user = origin.text("user")?;
    let admin = user.is_empty() || user == ADMIN;
    let named = step.values().text(SOURCE, "secretName").is_some();
    if named || !admin {
        return ceph::static_credentials(pv, origin, &ABOUT, step);
    }
    let (name, namespace) = ceph::legacy_secret(pv, origin, &ABOUT, step)?;
    Ok(ceph::Credentials {
        reference: [("name", name), ("namespace", namespace)]
            .into_iter()
            .collect(),
        extra: Vec::new(),
    })
}

fn note_migrated(pv: &mut Object<'_>, image: &str, step: &mut Step<'_>) -> Result<(), Error> {
    let cluster = match csi(pv)?.object("volumeAttributes")? {
        Some(attributes) => attributes.str(CLUSTER_ID)?.unwrap_or_default(),
        None => Cow::Borrowed(""),
    };
    step.advise(
        Code::BackendConfiguration,
        &["spec", SOURCE, "monitors"],
        format!(
            "ceph-csi's configuration has to have an entry with the clusterID {cluster} and these \
             monitors"
        ),
        "add the entry to the ConfigMap ceph-csi-config; or set the values rbd.form: static and \
         rbd.clusterID",
    );
    if !image.starts_with(PROVISIONED) {
        step.advise(
            Code::RetainOnly,
            &["spec", SOURCE, "image"],
            format!(
                "ceph-csi mounts the image, but would delete or expand {PROVISIONED}{image} \
                 instead of it"
            ),
            "keep the reclaim policy Retain and do not expand the volume; or set the value \
             rbd.form: static",
        );
    }
    Ok(())
}

fn static_volume(pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Vec<Object<'static>>, Error> {
    let origin = Origin::read(pv, &ABOUT, step)?;
    let image = origin.required("image")?;
    let pool = origin.text("pool")?;
    let cluster = ceph::cluster_id(&ABOUT, &ceph::monitors(&origin, &ABOUT)?, step)?;
    let credentials = ceph::static_credentials(pv, &origin, &ABOUT, step)?;
    note_lost(&origin, step);
    let features = annotation(pv, IMAGE_FEATURES)?;
    let or = |text: Cow<'_, str>, other: &str| {
        let text = if text.is_empty() { other } else { &text };
        text.to_owned()
    };
    let mut attributes = Object::new();
    attributes.set(CLUSTER_ID, cluster);
    attributes.set("pool", or(pool, DEFAULT_POOL));
    attributes.set(STATIC_VOLUME, "true");
    attributes.set(IMAGE_FEATURES, or(features, DEFAULT_FEATURES));
    let mut csi = Object::new();
    csi.set("driver", step.driver(&ABOUT));
    csi.set("volumeHandle", image);
    csi.set("readOnly", origin.read_only);
    csi.set("fsType", origin.text("fsType")?);
    csi.set("nodeStageSecretRef", credentials.reference);
    csi.set("volumeAttributes", attributes);
    write_csi(pv, &ABOUT, csi)?;
    ceph::static_limits(pv, step)?;
    Ok(credentials.extra)
}

/// A class as ceph-csi documents it: its volumes are dynamic ones.
fn dynamic_class(class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
    let old = read_parameters(class)?;
    if ceph::parameter(&old, "adminsecretname").is_empty()
        && step.values().text(SOURCE, "secretName").is_none()
    {
        return Err(missing(&ABOUT, "secretName"));
    }
    let cluster = ceph::cluster_id(&ABOUT, ceph::parameter(&old, "monitors"), step)?;
    let mut new = Rewrite::default();
    new.set(CLUSTER_ID, cluster);
    new.set("pool", DEFAULT_POOL);
    new.set(IMAGE_FEATURES, DEFAULT_FEATURES);
    ceph::class_secrets(
        &old,
        &["provisioner", "controller-expand"],
        &["node-stage"],
        &ABOUT,
        &mut new,
        step,
    );
    for (key, value) in old {
        match key.to_lowercase().as_str() {
            "fstype" => new.rename(&key, FS_TYPE, value, step),
            "pool" => new.rename(&key, "pool", value, step),
            "datapool" => new.rename(&key, "dataPool", value, step),
            "imagefeatures" if !value.is_empty() => {
                new.rename(&key, IMAGE_FEATURES, value, step);
            }
            "monitors" => said_by(&key, CLUSTER_ID, step),
            "adminid" | "userid" => said_by(&key, "the key userID of the Secret", step),
            "adminsecretname"
            | "adminsecretnamespace"
            | "usersecretname"
            | "usersecretnamespace" => said_by(&key, "a Secret for each call", step),
            _ => new.rest(&key, value, step),
        }
    }
    new.write(class);
    set_provisioner(class, &step.driver(&ABOUT), step);
    Ok(())
}
