//! Google Compute Engine persistent disks.
//!
//! # In-tree source
//! `gcePersistentDisk` of plugin `kubernetes.io/gce-pd`, in PersistentVolumes and
//! pods.
//!
//! # CSI driver
//! `pd.csi.storage.gke.io`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `pdName`, the volume's zone labels | `volumeHandle`: `projects/UNSPECIFIED/zones/<zone>/disks/<pdName>`, with `regions/<region>` for several zones; the zone is `UNSPECIFIED` without a label and in pods |
//! | `partition` | attribute `partition`, empty for 0 |
//! | `fsType`, `readOnly` | the same |
//! | access modes of the volume | one: ReadWriteOnce, or ReadOnlyMany if that stands alone; the in-tree plugin never looked at them, the driver refuses ReadWriteMany |
//!
//! For the handle the beta label goes before the GA one; everywhere else it is
//! the other way round.
//!
//! # Topology
//! Zones, under `topology.gke.io/zone`. On the way back each term gets the region
//! of its zones, and fails without a zone.
//!
//! # StorageClass
//! `fstype` gets its CSI name, `zone` and `zones` become allowed topologies. The
//! provisioner stays.
//!
//! # What is lost
//! The access modes.
//!
//! # To be stored
//! With project and zone in the handle, by values where the volume does not tell
//! ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/gce_pd.go`

use std::borrow::Cow;

use super::allowed_topologies;
use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use super::parameters::{CSI_FS_TYPE, Parameters};
use super::partition::{self, PARTITION};
use super::plugin::{Inline, Plugin, access_mode, invalid, place_in_tree};
use super::topology::{self, DELIMITER, Labels};
use super::{omit_empty, regions};
use crate::error::Error;
use crate::json::{Object, Value};

mod handle;
mod stored;

const DRIVER: &str = "pd.csi.storage.gke.io";
pub(super) const SOURCE: &str = "gcePersistentDisk";
const ZONE: &str = "topology.gke.io/zone";
const ACCESS_MODES: &str = "accessModes";

/// See the module.
pub(crate) struct GcePd;

impl Plugin for GcePd {
    fn name(&self) -> &'static str {
        "kubernetes.io/gce-pd"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn listed_by(&self) -> &'static [&'static str] {
        &["pdName"]
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let labels = Labels::read(pv)?;
        let (csi, mode) = {
            let root = Fields::of(pv);
            let spec = root.child("spec")?;
            let csi = csi_source(&spec.child(SOURCE)?, |disk| volume_handle(disk, &labels))?;
            (csi, one_access_mode(&spec)?)
        };
        topology::to_csi(pv, &labels, ZONE)?;
        csi.place(pv, SOURCE)?;
        if let Some(mode) = mode {
            let spec = pv.object_or_new("spec")?;
            spec.set(ACCESS_MODES, vec![Value::from(mode)]);
        }
        Ok(())
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        _pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let source = volume.child(SOURCE)?;
        let name = source.text("pdName")?;
        let csi = csi_source(&source, |disk| Ok(handle::zonal(handle::UNSPECIFIED, disk)))?;
        Ok(Inline {
            name: Cow::Owned(format!("{DRIVER}-{name}")),
            access_mode: access_mode(csi.read_only),
            csi,
        })
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let source = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        topology::to_in_tree(pv, DRIVER, ZONE, Some(regions::gce))?;
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error> {
        let mut zones = None;
        let mut parameters = Parameters::new();
        parameters.translate(class, |parameters, parameter| {
            match parameter.lower() {
                "fstype" => parameters.set(CSI_FS_TYPE, parameter.text()?),
                "zone" => zones = Some(vec![parameter.text()?]),
                "zones" => zones = Some(allowed_topologies::split(&parameter.text()?)),
                _ => parameters.keep(parameter),
            }
            Ok(())
        })?;
        allowed_topologies::translate(class, DRIVER, zones, ZONE)?;
        parameters.store(class);
        Ok(())
    }

    fn repair_handle<'h>(&self, handle: &'h str, node_id: &str) -> Result<Cow<'h, str>, Error> {
        handle::repair(handle, node_id)
    }
}

fn csi_source<'a>(
    source: &Fields<'_, 'a>,
    handle: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<CsiSource<'a>, Error> {
    let partition = match source.number(PARTITION)? {
        0 => Cow::Borrowed(""),
        number => Cow::Owned(number.to_string()),
    };
    Ok(CsiSource {
        driver: DRIVER,
        handle: Cow::Owned(handle(&source.text("pdName")?)?),
        read_only: source.flag("readOnly")?,
        fs_type: source.text("fsType")?,
        attributes: Object::from_iter([(PARTITION, partition)]),
        ..CsiSource::default()
    })
}

fn volume_handle(disk: &str, labels: &Labels<'_>) -> Result<String, Error> {
    let beta = labels.beta_zone.as_deref().filter(|zone| !zone.is_empty());
    let label = beta.or(labels.zone.as_deref()).unwrap_or_default();
    if label.is_empty() {
        return Ok(handle::zonal(handle::UNSPECIFIED, disk));
    }
    if !label.contains(DELIMITER) {
        return Ok(handle::zonal(label, disk));
    }
    let zones: Vec<Cow<'_, str>> = label.split(DELIMITER).map(Cow::Borrowed).collect();
    let region =
        regions::gce(&zones).map_err(|reason| invalid(DRIVER, &["metadata", "labels"], reason))?;
    Ok(handle::regional(&String::from_utf8_lossy(&region), disk))
}

/// The mode that the volume is to have instead of its modes, if it has any.
fn one_access_mode(spec: &Fields<'_, '_>) -> Result<Option<&'static str>, Error> {
    let Some(modes) = spec.items(ACCESS_MODES)? else {
        return Ok(None);
    };
    let has = |wanted: &str| modes.iter().any(|mode| mode.is_text(wanted));
    let written = has("ReadWriteOnce") || has("ReadWriteMany");
    let mode = access_mode(has("ReadOnlyMany") && !written);
    let same = matches!(&*modes, [one] if one.is_text(mode));
    Ok((!same).then_some(mode))
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let handle = csi.text("volumeHandle")?;
    let disk = handle::disk(&handle).ok_or_else(|| {
        let reason = "the handle has less than six parts";
        invalid(DRIVER, &["spec", CSI, "volumeHandle"], reason)
    })?;
    let mut source = Object::new();
    source.set("pdName", disk.to_owned());
    omit_empty::text(&mut source, "fsType", csi.text("fsType")?);
    let attributes = csi.child("volumeAttributes")?;
    let partition = attributes.entry(PARTITION)?;
    if let Some(partition) = partition.filter(|text| !text.is_empty()) {
        let partition = partition::parse(&partition, DRIVER)?;
        omit_empty::number(&mut source, PARTITION, partition);
    }
    omit_empty::flag(&mut source, "readOnly", csi.flag("readOnly")?);
    Ok(source)
}
