//! Azure disks that are kept: as at run time for managed disks; those in
//! storage accounts have no CSI driver. StorageClasses get the names of today.
//!
//! Facts: azuredisk-csi-driver `docs/driver-parameters.md`, and its
//! `ParseDiskParameters`, which refuses what it does not know.

use super::{AzureDisk, DRIVER, MANAGED, SOURCE};
use crate::error::Error;
use crate::in_tree::fields::Fields;
use crate::in_tree::stored::{
    About, FS_TYPE, InlineMode, Reach, Rewrite, Step, Store, Stored, StoredCsi,
    class_as_at_run_time, field, parameter_dropped, read_parameters, volume_as_at_run_time,
};
use crate::json::{Object, Path};
use crate::note::Code;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/azure-disk",
    provisioners: &["kubernetes.io/azure-disk"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::Once,
    reach: Reach::Full,
    summary: "As Kubernetes itself translates it at run time; managed disks only.",
    known: &[
        "diskName",
        "diskURI",
        "cachingMode",
        "fsType",
        "kind",
        "readOnly",
    ],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field("spec.csi.volumeHandle", "spec.azureDisk.diskURI", ""),
        field("spec.csi.fsType", "spec.azureDisk.fsType", ""),
        field("spec.csi.readOnly", "spec.azureDisk.readOnly", ""),
        field("spec.csi.volumeAttributes.kind", "", "Managed"),
        field(
            "spec.csi.volumeAttributes.cachingmode",
            "spec.azureDisk.cachingMode",
            "",
        ),
        field(
            "spec.csi.volumeAttributes.fstype",
            "spec.azureDisk.fsType",
            "",
        ),
    ],
    values: Vec::new,
};

/// With what the ids of managed disks begin, in any case.
const SUBSCRIPTIONS: &str = "/subscriptions/";

/// Disks that are files in a storage account.
fn unmanaged() -> Error {
    Error::NotTranslatable {
        path: Path::default(),
        driver: ABOUT.plugin.into(),
        reason: "the disk is a file in a storage account, and the CSI driver knows managed disks \
                 only"
            .to_owned(),
        instead: "make a managed disk of it (`az disk create --source <URL of the vhd>`) and a \
                  volume with that disk's id"
            .to_owned(),
    }
}

impl Store for AzureDisk {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let root = Fields::of(pv);
        let spec = root.child("spec")?;
        let source = spec.child(SOURCE)?;
        let kind = source.text("kind")?;
        let uri = source.text("diskURI")?;
        let is = |kind: &str, other: &str| kind.eq_ignore_ascii_case(other);
        let blob = uri.get(..4).is_some_and(|scheme| is(scheme, "http"));
        if is(&kind, "Dedicated") || is(&kind, "Shared") || blob {
            return Err(unmanaged());
        }
        let managed = uri
            .get(..SUBSCRIPTIONS.len())
            .is_some_and(|start| is(start, SUBSCRIPTIONS));
        if !managed {
            step.note(
                Code::HandleAssumed,
                &["spec", SOURCE, "diskURI"],
                "the driver takes only ids of managed disks, which begin with /subscriptions/",
            );
        }
        volume_as_at_run_time(self, &ABOUT, pv, step)?;
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        class_as_at_run_time(self, &ABOUT, &[], class, step)?;
        let mut new = Rewrite::default();
        for (key, value) in read_parameters(class)? {
            match key.to_lowercase().as_str() {
                "fstype" => new.rename(&key, FS_TYPE, value, step),
                "storageaccounttype" => new.rename(&key, "skuName", value, step),
                "kind" if !value.eq_ignore_ascii_case(MANAGED) => {
                    parameter_dropped(&key, "new disks are managed ones", step);
                }
                "storageaccount" => {
                    parameter_dropped(&key, "managed disks are in no storage account", step);
                }
                _ => new.set(&key, value),
            }
        }
        new.write(class);
        Ok(())
    }
}
