//! Ceph RBD images.
//!
//! # In-tree source
//! `rbd` of plugin `kubernetes.io/rbd`, in PersistentVolumes and pods. The library
//! knew it up to v0.30, kubelet served it itself up to v1.30.
//!
//! # CSI driver
//! `rbd.csi.ceph.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `image`, `pool`, `monitors` | `volumeHandle`: `mig_mons-<cluster>_image-<image>_<pool in hex>`, the image without one leading `kubernetes-dynamic-pvc-`; in a pod the image alone |
//! | `monitors` | attribute `clusterID`: their MD5 |
//! | `image`, `pool` | attributes `imageName` and `pool`; in a pod the pool alone, `rbd` if it is empty |
//! | annotations `imageFeatures`, `imageFormat`, `journalPool` | attributes of these names; features `layering` if there are none |
//! | annotations `rbd.csi.ceph.com/volume-handle`, `clusterID` | handle and cluster of a volume that was one of the driver's before |
//! | `secretRef` | `nodeStageSecretRef`, `controllerExpandSecretRef`; in a pod both are there in any case |
//! | `readOnly` | access mode ReadOnlyMany, else ReadWriteOnce, instead of what the volume has |
//! | `fsType` | the same |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! Starts from `migration: "true"`, `pool: rbd` and Secrets in `default`. Names are
//! known in any case; the admin's Secret is that of all calls; `monitors` gives
//! `clusterID`. Everything else is dropped, the user's Secret too. **The
//! provisioner becomes the driver.** Fails without admin Secret or monitors.
//!
//! # What is lost
//! `monitors` (they become one empty string), `user` (becomes the attribute
//! `adminId`, or `admin`), `keyring`, `readOnly`, access modes. The way back
//! writes five annotations.
//!
//! # To be stored
//! As at run time, with a Secret that works for users other than admin; or a static
//! volume of ceph-csi, by a value ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.30.14, `plugins/rbd.go`

use std::borrow::Cow;

use super::csi_source::{CSI, CsiSource, SecretRef};
use super::fields::Fields;
use super::omit_empty;
use super::parameters::{CSI_FS_TYPE, Parameters};
use super::plugin::{Inline, Plugin, access_mode, place_in_tree};
use crate::error::Error;
use crate::json::{At, Object, Path, Value};

mod migration_handle;
mod stored;

use migration_handle::cluster_id;

const DRIVER: &str = "rbd.csi.ceph.com";
pub(super) const SOURCE: &str = "rbd";

const CLUSTER_ID: &str = "clusterID";
const IMAGE_FEATURES: &str = "imageFeatures";
const IMAGE_FORMAT: &str = "imageFormat";
const JOURNAL_POOL: &str = "journalPool";
const STATIC_VOLUME: &str = "staticVolume";
const DEFAULT_FEATURES: &str = "layering";
const DEFAULT_POOL: &str = "rbd";
/// The annotation that keeps the handle while the volume is an in-tree one.
const VOLUME_HANDLE: &str = "rbd.csi.ceph.com/volume-handle";

const SECRETS: &[&str] = &["nodeStageSecretRef", "controllerExpandSecretRef"];
const SECRET_NAMES: [&str; 3] = [
    "csi.storage.k8s.io/provisioner-secret-name",
    "csi.storage.k8s.io/node-stage-secret-name",
    "csi.storage.k8s.io/controller-expand-secret-name",
];
const SECRET_NAMESPACES: [&str; 3] = [
    "csi.storage.k8s.io/provisioner-secret-namespace",
    "csi.storage.k8s.io/node-stage-secret-namespace",
    "csi.storage.k8s.io/controller-expand-secret-namespace",
];

/// See the module.
pub(crate) struct Rbd;

impl Plugin for Rbd {
    fn name(&self) -> &'static str {
        "kubernetes.io/rbd"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn listed_by(&self) -> &'static [&'static str] {
        &["pool", "image"]
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let (csi, mode) = {
            let root = Fields::of(pv);
            let metadata = root.child("metadata")?;
            let spec = root.child("spec")?;
            let source = spec.child(SOURCE)?;
            let mode = access_mode(source.flag("readOnly")?);
            (csi_source(&source, &metadata.child("annotations")?)?, mode)
        };
        csi.place(pv, SOURCE)?;
        pv.object_or_new("spec")?
            .set("accessModes", vec![Value::from(mode)]);
        Ok(())
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let source = volume.child(SOURCE)?;
        let pool = match source.text("pool")? {
            pool if pool.is_empty() => Cow::Borrowed(DEFAULT_POOL),
            pool => pool,
        };
        let mut attributes = Object::new();
        attributes.set(CLUSTER_ID, cluster_id(&monitors(&source)?));
        attributes.set("pool", pool);
        attributes.set(STATIC_VOLUME, "true");
        attributes.set(IMAGE_FEATURES, DEFAULT_FEATURES);
        let secret = match source.child_if_set("secretRef")? {
            Some(reference) => SecretRef {
                name: reference.text("name")?,
                namespace: Cow::Borrowed(pod_namespace),
            },
            None => SecretRef::default(),
        };
        let csi = CsiSource {
            driver: DRIVER,
            handle: source.text("image")?,
            fs_type: source.text("fsType")?,
            attributes,
            secrets: SECRETS,
            secret,
            ..CsiSource::default()
        };
        let mode = access_mode(source.flag("readOnly")?);
        Ok(Inline::named_by_handle(csi, mode))
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let (source, annotations) = {
            let root = Fields::of(pv);
            let spec = root.child("spec")?;
            let csi = spec.child(CSI)?;
            (in_tree_source(&csi)?, kept_in_annotations(&csi)?)
        };
        let metadata = pv.object_or_new("metadata")?;
        let stored = metadata.object_or_new("annotations").at(&["metadata"])?;
        for (name, value) in annotations {
            stored.set(name, value);
        }
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut parameters = Parameters::new();
        parameters.set("migration", "true");
        parameters.set("pool", DEFAULT_POOL);
        parameters.set_all(&SECRET_NAMESPACES, Cow::Borrowed("default"));
        parameters.translate(class, |parameters, parameter| {
            match parameter.lower() {
                "fstype" => parameters.set(CSI_FS_TYPE, parameter.text()?),
                "imagefeatures" => parameters.set(IMAGE_FEATURES, parameter.text()?),
                "imageformat" => parameters.set(IMAGE_FORMAT, parameter.text()?),
                "pool" => parameters.set("pool", parameter.text()?),
                "adminid" => parameters.set("adminId", parameter.text()?),
                "adminsecretname" => parameters.set_all(&SECRET_NAMES, parameter.text()?),
                "adminsecretnamespace" => {
                    parameters.set_all(&SECRET_NAMESPACES, parameter.text()?);
                }
                "monitors" => {
                    let monitors = parameter.text()?;
                    parameters.set(CLUSTER_ID, cluster_id(&monitors));
                    parameters.set("monitors", monitors);
                }
                _ => {}
            }
            Ok(())
        })?;
        let [secret_name, ..] = SECRET_NAMES;
        for (needed, written) in [(secret_name, "adminSecretName"), ("monitors", "monitors")] {
            if !parameters.is_set(needed) {
                return Err(Error::MissingField {
                    driver: DRIVER.into(),
                    path: Path::of(&["parameters", written]),
                });
            }
        }
        class.set("provisioner", DRIVER);
        parameters.store(class);
        Ok(())
    }
}

fn monitors(source: &Fields<'_, '_>) -> Result<String, Error> {
    Ok(source.texts("monitors")?.unwrap_or_default().join(","))
}

fn csi_source<'a>(
    source: &Fields<'_, 'a>,
    annotations: &Fields<'_, 'a>,
) -> Result<CsiSource<'a>, Error> {
    let annotation = |name| Ok::<_, Error>(annotations.entry(name)?.unwrap_or_default());
    let image = source.text("image")?;
    let pool = source.text("pool")?;
    let mut attributes = Object::new();
    let mut handle = annotation(VOLUME_HANDLE)?;
    if handle.is_empty() {
        let monitors = monitors(source)?;
        let cluster = cluster_id(&monitors);
        handle = Cow::Owned(migration_handle::compose(&cluster, &image, &pool));
        attributes.set(CLUSTER_ID, cluster);
        attributes.set(STATIC_VOLUME, "true");
    } else {
        attributes.set(CLUSTER_ID, annotation(CLUSTER_ID)?);
    }
    let features = match annotation(IMAGE_FEATURES)? {
        features if features.is_empty() => Cow::Borrowed(DEFAULT_FEATURES),
        features => features,
    };
    attributes.set("imageName", image);
    attributes.set("pool", pool);
    attributes.set(IMAGE_FEATURES, features);
    attributes.set(IMAGE_FORMAT, annotation(IMAGE_FORMAT)?);
    attributes.set(JOURNAL_POOL, annotation(JOURNAL_POOL)?);
    attributes.set("migration", "true");
    attributes.set("tryOtherMounters", "true");
    let secret = secret_ref(source.child_if_set("secretRef")?)?;
    Ok(CsiSource {
        driver: DRIVER,
        handle,
        fs_type: source.text("fsType")?,
        attributes,
        secrets: if secret.is_some() { SECRETS } else { &[] },
        secret: secret.unwrap_or_default(),
        ..CsiSource::default()
    })
}

fn secret_ref<'a>(reference: Option<Fields<'_, 'a>>) -> Result<Option<SecretRef<'a>>, Error> {
    let Some(reference) = reference else {
        return Ok(None);
    };
    Ok(Some(SecretRef {
        name: reference.text("name")?,
        namespace: reference.text("namespace")?,
    }))
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let attributes = csi.child("volumeAttributes")?;
    let attribute = |name| Ok::<_, Error>(attributes.entry(name)?.unwrap_or_default());
    let user = match attribute("adminId")? {
        user if user.is_empty() => Cow::Borrowed("admin"),
        user => user,
    };
    let mut source = Object::new();
    source.set("monitors", vec![Value::from("")]);
    source.set("image", attribute("imageName")?);
    omit_empty::text(&mut source, "fsType", csi.text("fsType")?);
    omit_empty::text(&mut source, "pool", attribute("pool")?);
    source.set("user", user);
    if let Some(secret) = secret_ref(csi.child_if_set("nodeStageSecretRef")?)? {
        source.set("secretRef", secret.into_object());
    }
    omit_empty::flag(&mut source, "readOnly", csi.flag("readOnly")?);
    Ok(source)
}

/// What the in-tree source has no place for.
fn kept_in_annotations<'a>(
    csi: &Fields<'_, 'a>,
) -> Result<Vec<(&'static str, Cow<'a, str>)>, Error> {
    let attributes = csi.child("volumeAttributes")?;
    let mut kept = vec![(VOLUME_HANDLE, csi.text("volumeHandle")?)];
    for name in [CLUSTER_ID, JOURNAL_POOL, IMAGE_FEATURES, IMAGE_FORMAT] {
        kept.push((name, attributes.entry(name)?.unwrap_or_default()));
    }
    Ok(kept)
}
