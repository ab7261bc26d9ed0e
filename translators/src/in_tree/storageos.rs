//! StorageOS, later Ondat. The vendor is gone; who still runs it can name the driver's
//! handles.
//!
//! # In-tree source
//! `storageos` of plugin `kubernetes.io/storageos`, in PersistentVolumes and pods, up
//! to Kubernetes 1.24. No runtime translation ever existed.
//!
//! # CSI driver
//! `csi.storageos.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `volumeNamespace`, `volumeName` | `volumeHandle`, by the value `volumes`; the namespace is the claim's where it is unset |
//! | `fsType`, `readOnly` | the same |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! Not translated.
//!
//! # What is lost
//! `secretRef`: the driver has its credentials from its own configuration.
//!
//! # References
//! None is left; the handle is the one that the value gives.

use super::stored::{
    About, InlineMode, Origin, Reach, Step, Store, Stored, StoredCsi, field, table, write_csi,
};
use crate::error::Error;
use crate::json::{Object, Path};
use crate::note::Code;
use crate::values::ValueSpec;

pub(super) struct StorageOs;

const ABOUT: About = About {
    field: "storageos",
    plugin: "kubernetes.io/storageos",
    provisioners: &["kubernetes.io/storageos"],
    driver: Some("csi.storageos.com"),
    block: true,
    inline: InlineMode::OnceOrReadOnly,
    reach: Reach::NeedsValue,
    summary: "The vendor is gone; a volume is translated only if its handle is given.",
    known: &[
        "volumeName",
        "volumeNamespace",
        "fsType",
        "readOnly",
        "secretRef",
    ],
    fields: &[
        field(
            "spec.csi.volumeHandle",
            "values volumes",
            "by spec.storageos.volumeNamespace/volumeName",
        ),
        field("spec.csi.readOnly", "spec.storageos.readOnly", ""),
        field("spec.csi.fsType", "spec.storageos.fsType", ""),
    ],
    values,
};

const INSTEAD: &str = "copy the data to a volume of another StorageClass; where the vendor's \
     driver still runs, give its handles with the value storageos.volumes";

fn values() -> Vec<ValueSpec> {
    vec![table(
        "volumes",
        false,
        "the driver's volume handle by namespace/name of the volume, as the driver lists it",
    )]
}

fn gone() -> Error {
    Error::NotTranslatable {
        path: Path::default(),
        driver: ABOUT.plugin.into(),
        reason: "its vendor is gone and volumes are named otherwise by the CSI driver".to_owned(),
        instead: INSTEAD.to_owned(),
    }
}

impl Store for StorageOs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = Origin::read(pv, &ABOUT, step)?;
        let name = origin.required("volumeName")?;
        let mut namespace = origin.text("volumeNamespace")?;
        if namespace.is_empty() {
            // The plugin's default: the namespace of the pod, hence of the claim.
            namespace = super::stored::claim_namespace(pv, step)?.unwrap_or_default();
        }
        let key = format!("{namespace}/{name}");
        let handle = step.values().entry(ABOUT.field, "volumes", &key);
        let handle = handle.ok_or_else(gone)?.to_owned();
        if !origin.secret.0.is_empty() {
            step.note(
                Code::SecretDropped,
                &["spec", ABOUT.field, "secretRef"],
                "the driver has its credentials from its own configuration",
            );
        }
        let driver = step.driver(&ABOUT);
        let mut csi = Object::new();
        csi.set("driver", driver.clone());
        csi.set("volumeHandle", handle);
        csi.set("readOnly", origin.read_only);
        csi.set("fsType", origin.text("fsType")?);
        write_csi(pv, &ABOUT, csi)?;
        step.note(
            Code::HandleAssumed,
            &["spec", ABOUT.field, "volumeName"],
            "the handle is the one that the values give, and not tried",
        );
        Ok(Stored::Csi(StoredCsi::of(driver, &ABOUT)))
    }

    fn storage_class(&self, _: &mut Object<'_>, _: &mut Step<'_>) -> Result<(), Error> {
        Err(gone())
    }
}
