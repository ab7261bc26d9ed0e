//! AWS Elastic Block Store.
//!
//! # In-tree source
//! `awsElasticBlockStore` of plugin `kubernetes.io/aws-ebs`, in PersistentVolumes
//! and pods.
//!
//! # CSI driver
//! `ebs.csi.aws.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `volumeID` | `volumeHandle`, without `aws://zone/` ([`volume_id`]) |
//! | `partition` | attribute `partition`, `"0"` where it is unset |
//! | `fsType`, `readOnly` | the same |
//!
//! # Topology
//! Zones, under `topology.ebs.csi.aws.com/zone`. On the way back each term gets
//! the region of its zones, and fails without a zone.
//!
//! # StorageClass
//! `fstype` gets its CSI name, `zone` and `zones` become allowed topologies,
//! `iopspergb` brings `allowautoiopspergbincrease: "true"`, which is what the
//! in-tree plugin did. The provisioner stays.
//!
//! # What is lost
//! The zone in `volumeID`.
//!
//! # To be stored
//! As at run time ([`stored`]); allowed topologies in the form that the API server
//! takes.
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/aws_ebs.go`

use std::borrow::Cow;

use super::allowed_topologies;
use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use super::parameters::{CSI_FS_TYPE, Parameters};
use super::partition::{self, PARTITION};
use super::plugin::{Inline, Plugin, access_mode, invalid, place_in_tree};
use super::topology::{self, Labels};
use super::{go_text, go_url, omit_empty, regions};
use crate::error::Error;
use crate::json::Object;

mod stored;

const DRIVER: &str = "ebs.csi.aws.com";
pub(super) const SOURCE: &str = "awsElasticBlockStore";
const ZONE: &str = "topology.ebs.csi.aws.com/zone";

/// See the module.
pub(crate) struct AwsEbs;

impl Plugin for AwsEbs {
    fn name(&self) -> &'static str {
        "kubernetes.io/aws-ebs"
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
        topology::to_in_tree(pv, DRIVER, ZONE, Some(regions::aws))?;
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
                "iopspergb" => {
                    parameters.keep(parameter);
                    parameters.set("allowautoiopspergbincrease", "true");
                }
                _ => parameters.keep(parameter),
            }
            Ok(())
        })?;
        allowed_topologies::translate(class, DRIVER, zones, ZONE)?;
        parameters.store(class);
        Ok(())
    }
}

fn csi_source<'a>(source: &Fields<'_, 'a>) -> Result<CsiSource<'a>, Error> {
    let id = source.text("volumeID")?;
    let partition = match source.number(PARTITION)? {
        0 => Cow::Borrowed("0"),
        number => Cow::Owned(number.to_string()),
    };
    Ok(CsiSource {
        driver: DRIVER,
        handle: volume_id(id)?,
        read_only: source.flag("readOnly")?,
        fs_type: source.text("fsType")?,
        attributes: Object::from_iter([(PARTITION, partition)]),
        ..CsiSource::default()
    })
}

fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<Object<'a>, Error> {
    let mut source = Object::new();
    source.set("volumeID", csi.text("volumeHandle")?);
    omit_empty::text(&mut source, "fsType", csi.text("fsType")?);
    if let Some(partition) = csi.child("volumeAttributes")?.entry(PARTITION)? {
        let partition = partition::parse(&partition, DRIVER)?;
        omit_empty::number(&mut source, PARTITION, partition);
    }
    omit_empty::flag(&mut source, "readOnly", csi.flag("readOnly")?);
    Ok(source)
}

/// The EBS volume's id in an id as Kubernetes has it: `vol-1`, `aws:///vol-1` or
/// `aws://zone/vol-1`. What does not begin with `aws://` is the id itself.
///
/// # Errors
/// The id is a URL that Go does not parse, or its path is no id of a volume.
pub(crate) fn volume_id(id: Cow<'_, str>) -> Result<Cow<'_, str>, Error> {
    let Some(url) = id.strip_prefix("aws://") else {
        return Ok(id);
    };
    let wrong = |reason: &str| invalid(DRIVER, &["spec", SOURCE, "volumeID"], reason);
    let path = go_url::path(url).map_err(wrong)?;
    let start = path.iter().position(|byte| *byte != b'/');
    let end = path.iter().rposition(|byte| *byte != b'/');
    let found = match (start, end) {
        (Some(start), Some(end)) => &path[start..=end],
        _ => &[],
    };
    if found.starts_with(b"vol-") && !found.contains(&b'/') {
        Ok(Cow::Owned(go_text::from_bytes(found.to_vec())))
    } else {
        Err(wrong("the URL's path is no id of a volume"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_all_forms() {
        for (id, expected) in [
            ("vol-1/2", Some("vol-1/2")),
            ("AWS://z/vol-1", Some("AWS://z/vol-1")),
            ("aws://us-east-1a/vol-1", Some("vol-1")),
            ("aws:///vol-1//", Some("vol-1")),
            ("aws:///%2Fvol-%41", Some("vol-A")),
            ("aws:///vol-%ff%c3", Some("vol-\u{fffd}\u{fffd}")),
            ("aws:///vol-", Some("vol-")),
            ("aws://vol-1", None),
            ("aws://", None),
            ("aws:///x/vol-1", None),
            ("aws:///vol-1/.", None),
        ] {
            assert_eq!(volume_id(id.into()).ok().as_deref(), expected, "{id}");
        }
    }
}
