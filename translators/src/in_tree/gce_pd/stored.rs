//! GCE disks that are kept: the handle names project and zone, which at run
//! time the driver looks up each time.

use std::borrow::Cow;

use super::handle::UNSPECIFIED;
use super::{DRIVER, GcePd, SOURCE, ZONE};
use crate::error::Error;
use crate::in_tree::affinity::Affinity;
use crate::in_tree::regions;
use crate::in_tree::stored::{
    About, InlineMode, Reach, Step, Store, Stored, StoredCsi, class_as_at_run_time, csi, field,
    missing, missing_entry, table, text, volume_as_at_run_time,
};
use crate::json::Object;
use crate::values::ValueSpec;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/gce-pd",
    provisioners: &["kubernetes.io/gce-pd"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::OnceOrReadOnly,
    reach: Reach::NeedsValue,
    summary: "As Kubernetes itself translates it at run time, but with the project, and the zone where the volume does not say it.",
    known: &["pdName", "fsType", "partition", "readOnly"],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field(
            "spec.csi.volumeHandle",
            "values project, zones; zone labels, spec.nodeAffinity, spec.gcePersistentDisk.pdName",
            "projects/<project>/zones/<zone>/disks/<name>, or regions/<region> for a disk in two zones",
        ),
        field("spec.csi.fsType", "spec.gcePersistentDisk.fsType", ""),
        field("spec.csi.readOnly", "spec.gcePersistentDisk.readOnly", ""),
        field(
            "spec.csi.volumeAttributes.partition",
            "spec.gcePersistentDisk.partition",
            "empty where it is unset",
        ),
        field(
            "spec.accessModes",
            "spec.accessModes",
            "the one that the driver can give: ReadWriteOnce, or ReadOnlyMany where none writes",
        ),
        field(
            "spec.nodeAffinity",
            "spec.nodeAffinity, zone labels",
            "zones under topology.gke.io/zone; the labels count where no affinity names zones",
        ),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![
        text(
            "project",
            true,
            "the id of the Google Cloud project that has the disks (`gcloud config get project`); \
             UNSPECIFIED keeps the handle of the runtime translation, which the driver completes \
             from where it runs",
        ),
        table(
            "zones",
            false,
            "the zone by spec.gcePersistentDisk.pdName, for disks whose volume names none \
             (`gcloud compute disks list`)",
        ),
    ]
}

impl Store for GcePd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = volume_as_at_run_time(self, &ABOUT, pv, step)?;
        let project = step.values().text(SOURCE, "project");
        let project = project.ok_or_else(|| missing(&ABOUT, "project"))?;
        if project != UNSPECIFIED {
            let disk = origin.required("pdName")?;
            let place = place(pv, &disk, step)?;
            let handle = format!("projects/{project}/{place}/disks/{disk}");
            csi(pv)?.set("volumeHandle", handle);
        }
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        class_as_at_run_time(self, &ABOUT, &[], class, step)
    }
}

/// `zones/<zone>` or `regions/<region>` of a disk: as the handle of the runtime
/// translation has it from labels, else from node affinity, else as told.
fn place(pv: &mut Object<'_>, disk: &str, step: &Step<'_>) -> Result<String, Error> {
    let handle = csi(pv)?.str("volumeHandle")?.unwrap_or_default();
    let labelled = handle
        .strip_prefix(&format!("projects/{UNSPECIFIED}/"))
        .and_then(|rest| rest.strip_suffix(&format!("/disks/{disk}")))
        .filter(|place| !place.ends_with(UNSPECIFIED));
    if let Some(place) = labelled {
        return Ok(place.to_owned());
    }
    if let Some(zone) = step.values().entry(SOURCE, "zones", disk) {
        return Ok(format!("zones/{zone}"));
    }
    let affinity = Affinity::take(pv)?;
    let zones: Vec<Cow<'_, str>> = affinity.values(ZONE)?;
    affinity.store(pv)?;
    match zones.as_slice() {
        [] => Err(missing_entry(&ABOUT, "zones", disk)),
        [zone] => Ok(format!("zones/{zone}")),
        // A disk is in several zones only if it is a regional one.
        several => match regions::gce(several) {
            Ok(region) => Ok(format!("regions/{}", String::from_utf8_lossy(&region))),
            Err(_) => Err(missing_entry(&ABOUT, "zones", disk)),
        },
    }
}
