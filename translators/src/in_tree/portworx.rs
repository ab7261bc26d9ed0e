//! Portworx volumes.
//!
//! # In-tree source
//! `portworxVolume` of plugin `kubernetes.io/portworx-volume`, in
//! PersistentVolumes and pods.
//!
//! # CSI driver
//! `pxd.portworx.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `volumeID` | `volumeHandle` |
//! | `fsType` | the same |
//! | `readOnly` | nothing; in a pod it makes the access mode ReadOnlyMany |
//! | annotations `openstorage.io/auth-secret-name` and `…-namespace`, if both are there | the Secret of every call but provisioning; not in a pod |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! The parameters named as the annotations become the CSI sidecars' parameters
//! for the Secret of every call. **The provisioner becomes the driver.**
//!
//! # What is lost
//! `readOnly`
//!
//! # To be stored
//! As at run time ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/portworx.go`; up to v0.32 it knew
//! no Secrets

use super::csi_source::{CSI, CsiSource, SecretRef};
use super::fields::Fields;
use super::omit_empty;
use super::parameters::Parameters;
use super::plugin::{Inline, Plugin, access_mode, place_in_tree};
use crate::error::Error;
use crate::json::Object;

mod stored;

const DRIVER: &str = "pxd.portworx.com";
pub(super) const SOURCE: &str = "portworxVolume";
const SECRET_NAME: &str = "openstorage.io/auth-secret-name";
const SECRET_NAMESPACE: &str = "openstorage.io/auth-secret-namespace";

const SECRET_NAMES: [&str; 6] = [
    "csi.storage.k8s.io/provisioner-secret-name",
    "csi.storage.k8s.io/controller-publish-secret-name",
    "csi.storage.k8s.io/node-stage-secret-name",
    "csi.storage.k8s.io/node-publish-secret-name",
    "csi.storage.k8s.io/controller-expand-secret-name",
    "csi.storage.k8s.io/node-expand-secret-name",
];
const SECRET_NAMESPACES: [&str; 6] = [
    "csi.storage.k8s.io/provisioner-secret-namespace",
    "csi.storage.k8s.io/controller-publish-secret-namespace",
    "csi.storage.k8s.io/node-stage-secret-namespace",
    "csi.storage.k8s.io/node-publish-secret-namespace",
    "csi.storage.k8s.io/controller-expand-secret-namespace",
    "csi.storage.k8s.io/node-expand-secret-namespace",
];

/// See the module.
pub(crate) struct Portworx;

impl Plugin for Portworx {
    fn name(&self) -> &'static str {
        "kubernetes.io/portworx-volume"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let csi = {
            let root = Fields::of(pv);
            let mut csi = csi_source(&root.child("spec")?.child(SOURCE)?)?;
            let metadata = root.child("metadata")?;
            let annotations = metadata.child("annotations")?;
            let name = annotations.entry(SECRET_NAME)?;
            let namespace = annotations.entry(SECRET_NAMESPACE)?;
            if let (Some(name), Some(namespace)) = (name, namespace) {
                csi.secret = SecretRef { name, namespace };
                csi.secrets = &[
                    "controllerPublishSecretRef",
                    "nodeStageSecretRef",
                    "nodePublishSecretRef",
                    "controllerExpandSecretRef",
                    "nodeExpandSecretRef",
                ];
            }
            csi
        };
        csi.place(pv, SOURCE)
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        _pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let source = volume.child(SOURCE)?;
        let mode = access_mode(source.flag("readOnly")?);
        Ok(Inline::named_by_handle(csi_source(&source)?, mode))
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let source = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut parameters = Parameters::new();
        parameters.translate(class, |parameters, parameter| {
            match parameter.lower() {
                SECRET_NAME => parameters.set_all(&SECRET_NAMES, parameter.text()?),
                SECRET_NAMESPACE => parameters.set_all(&SECRET_NAMESPACES, parameter.text()?),
                _ => parameters.keep(parameter),
            }
            Ok(())
        })?;
        class.set("provisioner", DRIVER);
        parameters.store(class);
        Ok(())
    }
}

fn csi_source<'a>(source: &Fields<'_, 'a>) -> Result<CsiSource<'a>, Error> {
    Ok(CsiSource {
        driver: DRIVER,
        handle: source.text("volumeID")?,
        fs_type: source.text("fsType")?,
        ..CsiSource::default()
    })
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let mut source = Object::new();
    source.set("volumeID", csi.text("volumeHandle")?);
    omit_empty::text(&mut source, "fsType", csi.text("fsType")?);
    omit_empty::flag(&mut source, "readOnly", csi.flag("readOnly")?);
    Ok(source)
}
