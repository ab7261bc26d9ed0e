//! `spec.source.inlineVolumeSpec` of a VolumeAttachment.

use crate::error::Error;
use crate::json::{At, Object, Path};
use crate::source;

/// What the API server refuses there, or has no use for (kubernetes
/// `pkg/apis/core/validation/validation.go`, `ValidatePersistentVolumeSpec` with
/// `validateInlinePersistentVolumeSpec`, v1.36).
const LEFT_OUT: [&str; 5] = [
    "capacity",
    "claimRef",
    "nodeAffinity",
    "storageClassName",
    "volumeAttributesClassName",
];

/// What is to stand in the VolumeAttachment of a translated PersistentVolume that
/// is not stored in CSI form: external-attacher reads there what it would read in
/// the volume.
///
/// # Errors
/// The volume is not in CSI form, has no access modes, or is a block volume.
pub fn inline_volume_spec(pv: &Object<'_>) -> Result<String, Error> {
    let missing = |path: &[&str]| Error::MissingField {
        driver: "VolumeAttachment".into(),
        path: Path::of(path),
    };
    let mut pv = pv.clone();
    let Some(mut spec) = pv.take_object("spec")? else {
        return Err(missing(&["spec"]));
    };
    if spec.object(source::CSI).at(&["spec"])?.is_none() {
        return Err(missing(&["spec", source::CSI]));
    }
    let modes = spec.array("accessModes").at(&["spec"])?;
    if modes.is_none_or(|modes| modes.is_empty()) {
        return Err(missing(&["spec", "accessModes"]));
    }
    if let Some(mode) = spec.str("volumeMode").at(&["spec"])?
        && mode != "Filesystem"
    {
        return Err(Error::Invalid {
            driver: "VolumeAttachment".into(),
            path: Path::of(&["spec", "volumeMode"]),
            reason: "a volume that is not stored in CSI form can only be a filesystem".to_owned(),
        });
    }
    for field in LEFT_OUT {
        spec.remove(field);
    }
    spec.set("persistentVolumeReclaimPolicy", "Retain");
    spec.set("volumeMode", "Filesystem");
    Ok(spec.to_json())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::inline_volume_spec;
    use crate::json::Object;

    fn spec_of(pv: &Value) -> Result<Value, String> {
        let text = pv.to_string();
        let spec = inline_volume_spec(&Object::parse(&text).unwrap());
        let spec = spec.map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(&spec).unwrap())
    }

    #[test]
    fn what_only_a_stored_volume_has_is_left_out() {
        let csi = json!({"driver": "d", "volumeHandle": "h", "volumeAttributes": {"a": "b"}});
        let pv = json!({"metadata": {"name": "pv"}, "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {"name": "c"},
            "csi": csi,
            "mountOptions": ["noatime"],
            "nodeAffinity": {"required": {}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "fast",
            "volumeAttributesClassName": "gold",
        }});
        let expected = json!({
            "accessModes": ["ReadWriteOnce"],
            "csi": csi,
            "mountOptions": ["noatime"],
            "persistentVolumeReclaimPolicy": "Retain",
            "volumeMode": "Filesystem",
        });
        assert_eq!(spec_of(&pv), Ok(expected));
    }

    #[test]
    fn a_legacy_volume_has_none() {
        let pv =
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "flexVolume": {"driver": "a/b"}}});
        let error = spec_of(&pv).unwrap_err();
        assert!(error.contains("spec.csi is not set"), "{error}");
    }

    #[test]
    fn nor_one_without_access_modes_nor_a_block_volume() {
        let pv = json!({"spec": {"accessModes": [], "csi": {"driver": "d"}}});
        let error = spec_of(&pv).unwrap_err();
        assert!(error.contains("spec.accessModes"), "{error}");
        let pv = json!({"spec": {"accessModes": ["ReadWriteOnce"], "csi": {"driver": "d"}, "volumeMode": "Block"}});
        let error = spec_of(&pv).unwrap_err();
        assert!(error.contains("spec.volumeMode"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_volume_the_driver_reads_the_same(
            attributes in proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..4),
            handle in ".{0,16}",
            field in "[a-z]{1,12}",
        ) {
            let csi = json!({"driver": "d", "volumeHandle": handle, "volumeAttributes": attributes});
            let mut pv = json!({"spec": {"accessModes": ["ReadWriteMany"], "csi": csi, "capacity": {}}});
            pv["spec"][format!("{field}X")] = json!({"unknown": 1.0});
            let spec = spec_of(&pv).unwrap();
            prop_assert_eq!(&spec["csi"], &csi);
            prop_assert_eq!(&spec["accessModes"], &json!(["ReadWriteMany"]));
            prop_assert_eq!(&spec[format!("{field}X")], &json!({"unknown": 1.0}));
            prop_assert!(spec.get("capacity").is_none());
        }
    }
}
