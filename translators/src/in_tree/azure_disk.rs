//! Azure disks.
//!
//! # In-tree source
//! `azureDisk` of plugin `kubernetes.io/azure-disk`, in PersistentVolumes and
//! pods.
//!
//! # CSI driver
//! `disk.csi.azure.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `diskURI` | `volumeHandle` |
//! | `diskName` | nothing; on the way back it is what ends the URI |
//! | `kind` | attribute `kind: Managed`; other kinds are refused, unset is managed |
//! | `cachingMode` | attribute `cachingmode`, if it is set; in a pod, if it is not empty |
//! | `fsType` | `fsType` and attribute `fstype`, if it is set |
//! | `readOnly` | the same |
//!
//! # Topology
//! None: labels and node affinity stay.
//!
//! # StorageClass
//! `zone` and `zones` become allowed topologies, under
//! `topology.disk.csi.azure.com/zone`. Zones that are numbers were fault domains,
//! where the driver has an empty zone. `fsType` and the provisioner stay.
//!
//! # What is lost
//! A `diskName` that is not the end of the URI; whether `kind`, `fsType` and
//! `readOnly` were set; an empty `cachingMode`.
//!
//! # To be stored
//! As at run time; StorageClasses get today's names of parameters ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/azure_disk.go`

use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use super::parameters::Parameters;
use super::plugin::{Inline, Plugin, access_mode, invalid, place_in_tree};
use super::{allowed_topologies, go_text, omit_empty};
use crate::error::Error;
use crate::json::{Object, Value};

mod disk_name;
mod stored;

const DRIVER: &str = "disk.csi.azure.com";
pub(super) const SOURCE: &str = "azureDisk";
const ZONE: &str = "topology.disk.csi.azure.com/zone";
const MANAGED: &str = "Managed";
const CACHING_MODE: &str = "cachingmode";
const FS_TYPE: &str = "fstype";

/// See the module.
pub(crate) struct AzureDisk;

impl Plugin for AzureDisk {
    fn name(&self) -> &'static str {
        "kubernetes.io/azure-disk"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn listed_by(&self) -> &'static [&'static str] {
        &["diskURI"]
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let csi = csi_source(&Fields::of(pv).child("spec")?.child(SOURCE)?)?;
        csi.place(pv, SOURCE)
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        _pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let mut csi = csi_source(&volume.child(SOURCE)?)?;
        if csi
            .attributes
            .get(CACHING_MODE)
            .is_some_and(Value::is_empty)
        {
            csi.attributes.remove(CACHING_MODE);
        }
        Ok(Inline {
            name: csi.handle.clone(),
            csi,
            access_mode: access_mode(false),
        })
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let source = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut zones = None;
        let mut parameters = Parameters::new();
        parameters.translate(class, |parameters, parameter| {
            match parameter.lower() {
                "zone" => zones = Some(vec![parameter.text()?]),
                "zones" => zones = Some(allowed_topologies::split(&parameter.text()?)),
                _ => parameters.keep(parameter),
            }
            Ok(())
        })?;
        allowed_topologies::translate(class, DRIVER, zones, ZONE)?;
        allowed_topologies::edit(class, |expression| {
            if expression.str("key")?.as_deref() != Some(ZONE) {
                return Ok(false);
            }
            let mut changed = false;
            for zone in expression.array("values")?.into_iter().flatten() {
                if zone.as_str()?.is_some_and(|zone| is_fault_domain(&zone)) {
                    *zone = Value::from("");
                    changed = true;
                }
            }
            Ok(changed)
        })?;
        parameters.store(class);
        Ok(())
    }
}

fn is_fault_domain(zone: &str) -> bool {
    !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_digit())
}

fn csi_source<'a>(source: &Fields<'_, 'a>) -> Result<CsiSource<'a>, Error> {
    let kind = source.text_if_set("kind")?;
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case(MANAGED)) {
        let reason = "the driver has managed disks only";
        return Err(invalid(DRIVER, &["spec", SOURCE, "kind"], reason));
    }
    let mut attributes = Object::from_iter([("kind", MANAGED)]);
    if let Some(mode) = source.text_if_set("cachingMode")? {
        attributes.set(CACHING_MODE, mode);
    }
    let fs_type = source.text_if_set("fsType")?;
    if let Some(fs_type) = &fs_type {
        attributes.set(FS_TYPE, fs_type.clone());
    }
    Ok(CsiSource {
        driver: DRIVER,
        handle: source.text("diskURI")?,
        read_only: source.flag("readOnly")?,
        fs_type: fs_type.unwrap_or_default(),
        attributes,
        ..CsiSource::default()
    })
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let uri = csi.text("volumeHandle")?;
    let name = disk_name::of(&uri).ok_or_else(|| {
        let reason = "the handle is neither the id of a managed disk nor the URL of a blob";
        invalid(DRIVER, &["spec", CSI, "volumeHandle"], reason)
    })?;
    let name = name.to_owned();
    let mut mode = None;
    let mut fs_type = csi.text("fsType")?;
    let attributes = csi.child("volumeAttributes")?;
    // Attributes that differ in case only: the last one counts, see `parameters`.
    for member in attributes.object().members() {
        let lower = go_text::to_lower(member.key());
        if lower != CACHING_MODE && lower != FS_TYPE {
            continue;
        }
        let value = attributes.text(member.key())?;
        if value.is_empty() {
            continue;
        }
        if lower == CACHING_MODE {
            mode = Some(value);
        } else {
            fs_type = value;
        }
    }
    let mut source = Object::new();
    source.set("diskName", name);
    source.set("diskURI", uri);
    omit_empty::text(&mut source, "cachingMode", mode.unwrap_or_default());
    source.set("fsType", fs_type);
    source.set("readOnly", csi.flag("readOnly")?);
    source.set("kind", MANAGED);
    Ok(source)
}
