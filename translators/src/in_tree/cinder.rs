//! OpenStack Cinder.
//!
//! # In-tree source
//! `cinder` of plugin `kubernetes.io/cinder`, in PersistentVolumes and pods.
//!
//! # CSI driver
//! `cinder.csi.openstack.org`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `volumeID` | `volumeHandle` |
//! | `fsType`, `readOnly` | the same |
//! | `secretRef` | nothing: the driver has its credentials itself |
//!
//! # Topology
//! Zones, under `topology.cinder.csi.openstack.org/zone`. A region cannot be told
//! from a zone, so none is added on the way back.
//!
//! # StorageClass
//! `fstype` gets its CSI name. Everything else stays, `availability` too, which
//! the driver knows. The provisioner stays.
//!
//! # What is lost
//! `secretRef`
//!
//! # To be stored
//! As at run time; the dropped Secret is named ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/openstack_cinder.go`

use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use super::parameters::{CSI_FS_TYPE, Parameters};
use super::plugin::{Inline, Plugin, access_mode, place_in_tree};
use super::topology::{self, Labels};
use super::{allowed_topologies, omit_empty};
use crate::error::Error;
use crate::json::Object;

mod stored;

const DRIVER: &str = "cinder.csi.openstack.org";
pub(super) const SOURCE: &str = "cinder";
const ZONE: &str = "topology.cinder.csi.openstack.org/zone";

/// See the module.
pub(crate) struct Cinder;

impl Plugin for Cinder {
    fn name(&self) -> &'static str {
        "kubernetes.io/cinder"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn listed_by(&self) -> &'static [&'static str] {
        &["volumeID"]
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let csi = csi_source(&Fields::of(pv).child("spec")?.child(SOURCE)?)?;
        let labels = Labels::read(pv)?;
        topology::to_csi(pv, &labels, ZONE)?;
        csi.place(pv, SOURCE)
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        _pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let csi = csi_source(&volume.child(SOURCE)?)?;
        Ok(Inline::named_by_handle(csi, access_mode(false)))
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let source = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        topology::to_in_tree(pv, DRIVER, ZONE, None)?;
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut parameters = Parameters::new();
        parameters.translate(class, |parameters, parameter| {
            match parameter.lower() {
                "fstype" => parameters.set(CSI_FS_TYPE, parameter.text()?),
                _ => parameters.keep(parameter),
            }
            Ok(())
        })?;
        allowed_topologies::rename_zones(class, ZONE)?;
        parameters.store(class);
        Ok(())
    }
}

fn csi_source<'a>(source: &Fields<'_, 'a>) -> Result<CsiSource<'a>, Error> {
    Ok(CsiSource {
        driver: DRIVER,
        handle: source.text("volumeID")?,
        read_only: source.flag("readOnly")?,
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
