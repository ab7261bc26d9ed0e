//! Cinder volumes that are kept: as at run time; the Secret that the runtime
//! translation drops is named.

use super::{Cinder, DRIVER, SOURCE};
use crate::error::Error;
use crate::in_tree::stored::{
    About, InlineMode, Reach, Step, Store, Stored, StoredCsi, class_as_at_run_time, field,
    volume_as_at_run_time,
};
use crate::json::Object;
use crate::note::Code;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/cinder",
    provisioners: &["kubernetes.io/cinder"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::Once,
    reach: Reach::Full,
    summary: "As Kubernetes itself translates it at run time.",
    known: &["volumeID", "fsType", "readOnly", "secretRef"],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field("spec.csi.volumeHandle", "spec.cinder.volumeID", ""),
        field("spec.csi.fsType", "spec.cinder.fsType", ""),
        field("spec.csi.readOnly", "spec.cinder.readOnly", ""),
        field(
            "spec.nodeAffinity",
            "spec.nodeAffinity, zone labels",
            "zones under topology.cinder.csi.openstack.org/zone; the labels count where no affinity names zones",
        ),
    ],
    values: Vec::new,
};

impl Store for Cinder {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = volume_as_at_run_time(self, &ABOUT, pv, step)?;
        if !origin.secret.0.is_empty() {
            step.note(
                Code::SecretDropped,
                &["spec", SOURCE, "secretRef"],
                "the driver has its credentials from its own cloud.conf",
            );
        }
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        class_as_at_run_time(self, &ABOUT, &[], class, step)
    }
}
