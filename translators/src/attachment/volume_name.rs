//! How nodes list a volume in `volumesInUse` and `volumesAttached`: its plugin's name,
//! and the volume's to that plugin (kubernetes v1.36 `pkg/volume/util/util.go`,
//! `GetUniqueVolumeName`).

use crate::error::Error;
use crate::json::{At, Object};
use crate::{in_tree, source};

/// The name of a CSI driver's volume (kubernetes v1.36 `pkg/volume/csi/csi_plugin.go`,
/// `GetVolumeName`).
///
/// ```
/// use flex2csi_translators::attachment::unique_volume_name;
///
/// let name = unique_volume_name("ebs.csi.aws.com", "vol-1");
/// assert_eq!(name, "kubernetes.io/csi/ebs.csi.aws.com^vol-1");
/// ```
#[must_use]
pub fn unique_volume_name(driver: &str, handle: &str) -> String {
    format!("kubernetes.io/csi/{driver}^{handle}")
}

/// The name of a PersistentVolume by the source that it has; `None` where no node
/// lists it.
///
/// # Errors
/// It has several sources, or a member is not what the API makes of it.
pub fn unique_name_of(pv: &mut Object<'_>) -> Result<Option<String>, Error> {
    let name = match pv.object("metadata")? {
        Some(metadata) => metadata.str("name").at(&["metadata"])?.unwrap_or_default(),
        None => Default::default(),
    };
    let Some(spec) = pv.object("spec")? else {
        return Ok(None);
    };
    let Some(field) = source::only_source(spec)? else {
        return Ok(None);
    };
    let Some(source) = spec.object(field).at(&["spec"])? else {
        return Ok(None);
    };
    let text = |member: &str| {
        let text = source.str(member).at(&["spec", field])?;
        Ok::<_, Error>(text.unwrap_or_default())
    };
    Ok(match field {
        source::CSI => Some(unique_volume_name(&text("driver")?, &text("volumeHandle")?)),
        // The volume's name is kubelet's default where a driver has no getvolumename.
        source::FLEX_VOLUME => Some(format!("{}/{name}", text("driver")?)),
        _ => in_tree::unique_name(field, source)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(spec: &str) -> Option<String> {
        let pv = format!(r#"{{"metadata":{{"name":"pv"}},"spec":{spec}}}"#);
        unique_name_of(&mut Object::parse(&pv).unwrap()).unwrap()
    }

    #[test]
    fn a_volume_is_listed_by_its_plugin_and_what_that_calls_it() {
        for (spec, listed) in [
            (
                r#"{"csi":{"driver":"d","volumeHandle":"h"}}"#,
                "kubernetes.io/csi/d^h",
            ),
            (r#"{"flexVolume":{"driver":"vendor/d"}}"#, "vendor/d/pv"),
            (
                r#"{"awsElasticBlockStore":{"volumeID":"aws://z/vol-1"}}"#,
                "kubernetes.io/aws-ebs/aws://z/vol-1",
            ),
            (
                r#"{"azureDisk":{"diskName":"d","diskURI":"/subscriptions/s"}}"#,
                "kubernetes.io/azure-disk//subscriptions/s",
            ),
            (r#"{"cinder":{"volumeID":"1"}}"#, "kubernetes.io/cinder/1"),
            (
                r#"{"gcePersistentDisk":{"pdName":"disk"}}"#,
                "kubernetes.io/gce-pd/disk",
            ),
            (
                r#"{"rbd":{"monitors":["a"],"pool":"rbd","image":"i"}}"#,
                "kubernetes.io/rbd/rbd:i",
            ),
            (
                r#"{"vsphereVolume":{"volumePath":"[ds] a.vmdk"}}"#,
                "kubernetes.io/vsphere-volume/[ds] a.vmdk",
            ),
        ] {
            assert_eq!(name(spec).as_deref(), Some(listed), "{spec}");
        }
    }

    #[test]
    fn what_is_not_attached_is_not_listed() {
        for spec in [
            r#"{"nfs":{"server":"s","path":"/"}}"#,
            r#"{"azureFile":{"shareName":"s"}}"#,
            r#"{"portworxVolume":{"volumeID":"1"}}"#,
            r#"{"cinder":{}}"#,
            "{}",
        ] {
            assert_eq!(name(spec), None, "{spec}");
        }
    }
}
