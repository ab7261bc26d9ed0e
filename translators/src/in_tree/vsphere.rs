//! vSphere virtual disks.
//!
//! # In-tree source
//! `vsphereVolume` of plugin `kubernetes.io/vsphere-volume`, in PersistentVolumes
//! and pods.
//!
//! # CSI driver
//! `csi.vsphere.vmware.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `volumePath` | `volumeHandle`; on the way back it is attribute `initialvolumefilepath`, which the driver sets on volumes it made for the plugin |
//! | `storagePolicyName` | attribute `storagepolicyname`, if it is not empty; with it a pod's volume is refused (the Go library panics) |
//! | `storagePolicyID` | nothing |
//! | `fsType` | the same |
//!
//! # Topology
//! Zones and regions, under `topology.csi.vmware.com/zone` and `…/region`. A label
//! is one of them, never several.
//!
//! # StorageClass
//! `fstype` gets its CSI name, `storagepolicyname` its lower-case one, and what
//! only the in-tree plugin knew the ending `-migrationparam`. Everything else is
//! dropped. `csimigration: "true"` makes the driver give paths. Only zones in
//! allowed topologies change. The provisioner stays.
//!
//! # What is lost
//! `volumePath`, unless the attribute is there; `storagePolicyName` and
//! `storagePolicyID`; all but the first of several zones.
//!
//! # To be stored
//! A static volume by the id of its First Class Disk, from the values ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/vsphere_volume.go`

use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use super::parameters::{CSI_FS_TYPE, Parameters};
use super::plugin::{Inline, Plugin, access_mode, invalid, place_in_tree};
use super::topology::{self, Labels};
use super::{allowed_topologies, omit_empty};
use crate::error::Error;
use crate::json::Object;
use crate::plan::VendorController;

mod stored;

const DRIVER: &str = "csi.vsphere.vmware.com";
pub(super) const SOURCE: &str = "vsphereVolume";
const ZONE: &str = "topology.csi.vmware.com/zone";
const REGION: &str = "topology.csi.vmware.com/region";
const POLICY: &str = "storagepolicyname";

/// vsphere-csi-driver `pkg/syncer/metadatasyncer.go`: each deletion of a volume that is
/// not released with the policy Delete removes it from CNS, and with it what tells its
/// VMDK's id.
pub(crate) static SYNCER: VendorController = VendorController {
    driver: DRIVER,
    container: "vsphere-syncer",
    image: "syncer",
    does: "takes a volume out of CNS when its PersistentVolume is deleted",
};

/// See the module.
pub(crate) struct Vsphere;

impl Plugin for Vsphere {
    fn name(&self) -> &'static str {
        "kubernetes.io/vsphere-volume"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn listed_by(&self) -> &'static [&'static str] {
        &["volumePath"]
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let csi = csi_source(&Fields::of(pv).child("spec")?.child(SOURCE)?)?;
        let labels = Labels::read(pv)?;
        topology::to_csi_with_region(pv, &labels, ZONE, REGION)?;
        csi.place(pv, SOURCE)
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        _pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let csi = csi_source(&volume.child(SOURCE)?)?;
        if csi.attributes.contains(POLICY) {
            let reason = "a storage policy cannot be translated in a pod's volume";
            return Err(invalid(DRIVER, &[SOURCE, "storagePolicyName"], reason));
        }
        Ok(Inline::named_by_handle(csi, access_mode(false)))
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let source = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        topology::to_in_tree_with_region(pv, ZONE, REGION)?;
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut parameters = Parameters::new();
        parameters.translate(class, |parameters, parameter| {
            if let Some(name) = csi_parameter(parameter.lower()) {
                parameters.set(name, parameter.text()?);
            }
            Ok(())
        })?;
        parameters.set("csimigration", "true");
        allowed_topologies::rename_zones(class, ZONE)?;
        parameters.store(class);
        Ok(())
    }
}

fn csi_parameter(lower: &str) -> Option<&'static str> {
    Some(match lower {
        "fstype" => CSI_FS_TYPE,
        POLICY => POLICY,
        "datastore" => "datastore-migrationparam",
        "diskformat" => "diskformat-migrationparam",
        "hostfailurestotolerate" => "hostfailurestotolerate-migrationparam",
        "forceprovisioning" => "forceprovisioning-migrationparam",
        "cachereservation" => "cachereservation-migrationparam",
        "diskstripes" => "diskstripes-migrationparam",
        "objectspacereservation" => "objectspacereservation-migrationparam",
        "iopslimit" => "iopslimit-migrationparam",
        _ => return None,
    })
}

fn csi_source<'a>(source: &Fields<'_, 'a>) -> Result<CsiSource<'a>, Error> {
    let mut attributes = Object::new();
    omit_empty::text(&mut attributes, POLICY, source.text("storagePolicyName")?);
    Ok(CsiSource {
        driver: DRIVER,
        handle: source.text("volumePath")?,
        fs_type: source.text("fsType")?,
        attributes,
        ..CsiSource::default()
    })
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let attributes = csi.child("volumeAttributes")?;
    let path = attributes.entry("initialvolumefilepath")?;
    let mut source = Object::new();
    source.set("volumePath", path.unwrap_or_default());
    omit_empty::text(&mut source, "fsType", csi.text("fsType")?);
    Ok(source)
}
