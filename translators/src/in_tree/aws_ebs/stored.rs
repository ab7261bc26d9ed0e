//! EBS volumes that are kept: as at run time.

use super::{AwsEbs, DRIVER, SOURCE};
use crate::error::Error;
use crate::in_tree::stored::{
    About, InlineMode, Reach, Step, Store, Stored, StoredCsi, class_as_at_run_time, field,
    volume_as_at_run_time,
};
use crate::json::Object;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/aws-ebs",
    provisioners: &["kubernetes.io/aws-ebs"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::Once,
    reach: Reach::Full,
    summary: "As Kubernetes itself translates it at run time.",
    known: &["volumeID", "fsType", "partition", "readOnly"],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field(
            "spec.csi.volumeHandle",
            "spec.awsElasticBlockStore.volumeID",
            "without aws:// and zone",
        ),
        field("spec.csi.fsType", "spec.awsElasticBlockStore.fsType", ""),
        field(
            "spec.csi.readOnly",
            "spec.awsElasticBlockStore.readOnly",
            "",
        ),
        field(
            "spec.csi.volumeAttributes.partition",
            "spec.awsElasticBlockStore.partition",
            "0 where it is unset",
        ),
        field(
            "spec.nodeAffinity",
            "spec.nodeAffinity, zone labels",
            "zones under topology.ebs.csi.aws.com/zone; the labels count where no affinity names zones",
        ),
    ],
    values: Vec::new,
};

impl Store for AwsEbs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        volume_as_at_run_time(self, &ABOUT, pv, step)?;
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        class_as_at_run_time(self, &ABOUT, &[], class, step)
    }
}
