//! ScaleIO, today PowerFlex. The in-tree plugin knows volumes by name and the driver
//! by id.
//!
//! # In-tree source
//! `scaleIO` of plugin `kubernetes.io/scaleio`, in PersistentVolumes and pods, up to
//! Kubernetes 1.21. No runtime translation ever existed.
//!
//! # CSI driver
//! `csi-vxflexos.dellemc.com`, or as the value `driver` says.
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `system`, `volumeName` | `volumeHandle`: `<system id>-<volume id>`, by the values `systems`, `systemID` and `volumes` |
//! | `fsType` | the same, `xfs` where it is unset |
//! | `readOnly` | the same |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! `system` becomes `systemID`; `storagePool`, `protectionDomain` and `fsType` get the
//! driver's spelling.
//!
//! # What is lost
//! `gateway`, `sslEnabled`, `secretRef` (the driver has its own), `protectionDomain`,
//! `storagePool` and `storageMode`.
//!
//! # References
//! csi-powerflex `samples/storageclass`; the handle is the driver's own

use std::borrow::Cow;

use super::stored::{
    About, InlineMode, Origin, Reach, Rewrite, Step, Store, Stored, StoredCsi, field, missing,
    missing_entry, read_parameters, set_provisioner, table, text, write_csi,
};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;
use crate::values::ValueSpec;

pub(super) struct ScaleIo;

const ABOUT: About = About {
    field: "scaleIO",
    plugin: "kubernetes.io/scaleio",
    provisioners: &["kubernetes.io/scaleio"],
    driver: Some("csi-vxflexos.dellemc.com"),
    block: true,
    inline: InlineMode::OnceOrReadOnly,
    reach: Reach::NeedsValue,
    summary: "A volume of Dell's PowerFlex driver; the ids of system and volume are needed.",
    known: &[
        "gateway",
        "system",
        "secretRef",
        "sslEnabled",
        "protectionDomain",
        "storagePool",
        "storageMode",
        "volumeName",
        "fsType",
        "readOnly",
    ],
    fields: &[
        field(
            "spec.csi.driver",
            "values driver",
            "csi-vxflexos.dellemc.com without it",
        ),
        field(
            "spec.csi.volumeHandle",
            "values systems, systemID, volumes",
            "<system id>-<volume id>; by spec.scaleIO.system and spec.scaleIO.volumeName, which may be ids themselves",
        ),
        field("spec.csi.readOnly", "spec.scaleIO.readOnly", ""),
        field(
            "spec.csi.fsType",
            "spec.scaleIO.fsType",
            "xfs where it is unset, as in-tree",
        ),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![
        table(
            "volumes",
            false,
            "the volume's id, 16 hexadecimal digits, by spec.scaleIO.volumeName \
             (`scli --query_volume --volume_name NAME`)",
        ),
        text(
            "systemID",
            false,
            "the system's id, 16 hexadecimal digits, as in the driver's Secret vxflexos-config",
        ),
        table(
            "systems",
            false,
            "the systems' ids by spec.scaleIO.system, where there are several",
        ),
        text(
            "driver",
            false,
            "the CSI driver's name, if not csi-vxflexos.dellemc.com",
        ),
    ]
}

/// Whether a name is an id.
fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn system_id(system: &str, step: &Step<'_>) -> Result<String, Error> {
    let values = step.values();
    let id = values
        .entry(ABOUT.field, "systems", system)
        .or_else(|| is_id(system).then_some(system))
        .or_else(|| values.text(ABOUT.field, "systemID"));
    id.map(str::to_owned)
        .ok_or_else(|| missing(&ABOUT, "systemID"))
}

impl Store for ScaleIo {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = Origin::read(pv, &ABOUT, step)?;
        let name = origin.required("volumeName")?;
        let system = system_id(&origin.text("system")?, step)?;
        let volume = step.values().entry(ABOUT.field, "volumes", &name);
        let volume = match volume {
            Some(id) => Cow::Owned(id.to_owned()),
            None if is_id(&name) => name.clone(),
            None => return Err(missing_entry(&ABOUT, "volumes", &name)),
        };
        for (member, why) in [
            ("gateway", "it is the driver's own setting"),
            ("sslEnabled", "it is the driver's own setting"),
            ("protectionDomain", "the volume's id says it"),
            ("storagePool", "the volume's id says it"),
            ("storageMode", "it counts only when a volume is made"),
        ] {
            origin.dropped(member, why, step);
        }
        if !origin.secret.0.is_empty() {
            step.note(
                Code::SecretDropped,
                &["spec", ABOUT.field, "secretRef"],
                "the driver has its credentials from its own Secret, vxflexos-config",
            );
        }
        let fs_type = origin.text("fsType")?;
        let driver = step.driver(&ABOUT);
        let mut csi = Object::new();
        csi.set("driver", driver.clone());
        csi.set("volumeHandle", format!("{system}-{volume}"));
        csi.set("readOnly", origin.read_only);
        csi.set(
            "fsType",
            if fs_type.is_empty() {
                "xfs".into()
            } else {
                fs_type
            },
        );
        write_csi(pv, &ABOUT, csi)?;
        step.note(
            Code::HandleAssumed,
            &["spec", ABOUT.field, "volumeName"],
            "the handle was made of the ids of system and volume, and not tried",
        );
        Ok(Stored::Csi(StoredCsi::of(driver, &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        let old = read_parameters(class)?;
        let mut new = Rewrite::default();
        let mut named = String::new();
        for (key, value) in old {
            match key.to_lowercase().as_str() {
                "storagepool" => new.rename(&key, "storagepool", value, step),
                "protectiondomain" => new.rename(&key, "protectiondomain", value, step),
                "system" => named = value,
                "fstype" => new.rename(&key, super::stored::FS_TYPE, value, step),
                _ => new.rest(&key, value, step),
            }
        }
        new.rename("system", "systemID", system_id(&named, step)?, step);
        new.write(class);
        set_provisioner(class, &step.driver(&ABOUT), step);
        Ok(())
    }
}
