//! What a record may name: nothing outside kubelet's directories of its pods.

use std::path::{Component, Path};

use flex2csi_translators::digest::sha256_hex;

use super::record::{VERSION, VolumeRecord};
use crate::cluster::VolumeId;

/// The file of a volume's record.
pub(super) fn file_name(volume: &VolumeId) -> String {
    let digest = sha256_hex(format!("{}\0{}", volume.driver, volume.handle));
    format!("{digest}.json")
}

/// Whether a text is one part of a path, and none that leads elsewhere.
pub(super) fn is_plain(part: &str) -> bool {
    let mut parts = Path::new(part).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(name)), None) if name == part
    ) && !part.contains('\0')
}

/// The FlexVolume driver, as `vendor/driver`, of a path that is that of a pod's
/// volume: `<root>/pods/<uid>/volumes/<vendor~driver>/<name>`.
pub(super) fn driver_of(root: &Path, target: &Path, uid: &str) -> Option<String> {
    let inner = target.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = inner
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    match parts.as_deref()? {
        ["pods", pod, "volumes", driver, _]
            if *pod == uid && driver.contains('~') && !driver.starts_with("kubernetes.io~") =>
        {
            Some(driver.replace('~', "/"))
        }
        _ => None,
    }
}

/// Why a record is not what we would have written into a file of this name.
pub(super) fn distrust(record: &VolumeRecord, name: &str, root: &Path) -> Option<String> {
    let VolumeId { driver, handle } = &*record.volume;
    if record.version != VERSION {
        return Some(format!("it is of version {}", record.version));
    }
    if file_name(&record.volume) != name {
        return Some("it is named as the record of another volume".to_owned());
    }
    if !is_plain(driver) || handle.is_empty() {
        return Some("it names no volume".to_owned());
    }
    let foreign = record
        .mounts
        .iter()
        .find(|mount| driver_of(root, &mount.target, &mount.pod.uid).is_none());
    foreign.map(|mount| {
        format!(
            "{} is no path of a FlexVolume of its pod under {}",
            mount.target.display(),
            root.display()
        )
    })
}
