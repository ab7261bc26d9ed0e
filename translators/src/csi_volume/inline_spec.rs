//! `VolumeAttachment.spec.source.inlineVolumeSpec`.

use crate::error::Error;
use crate::json::{Object, Path};
use crate::source::CSI;

/// The specification of a PersistentVolume in CSI form as a VolumeAttachment may
/// have it: no claim, capacity, class or affinity, and no policy but Retain
/// (kubernetes v1.36 `pkg/apis/core/validation`, `ValidatePersistentVolumeSpec` for
/// inline specifications).
///
/// # Errors
/// The volume is in another form.
pub fn inline_spec(pv: &mut Object<'_>) -> Result<String, Error> {
    let missing = || Error::MissingField {
        driver: "PersistentVolume".into(),
        path: Path::of(&["spec", CSI]),
    };
    let spec = pv.object("spec")?.ok_or_else(missing)?;
    let mut inline = Object::new();
    for key in ["accessModes", CSI, "mountOptions"] {
        if let Some(value) = spec.get(key) {
            inline.set(key, value.clone());
        }
    }
    if !inline.contains(CSI) {
        return Err(missing());
    }
    inline.set("persistentVolumeReclaimPolicy", "Retain");
    inline.set("volumeMode", "Filesystem");
    Ok(inline.to_json())
}
