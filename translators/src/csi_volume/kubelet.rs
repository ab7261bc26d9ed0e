//! Where kubelet keeps what it has of a CSI volume, and what it tells drivers of
//! pods.

use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;

/// The attributes that a driver with `podInfoOnMount` is given beside the volume's
/// own: the pod's name, namespace, uid and service account, and whether the volume
/// is an ephemeral one of CSI's own.
pub const POD_INFO: [&str; 5] = [
    "csi.storage.k8s.io/pod.name",
    "csi.storage.k8s.io/pod.namespace",
    "csi.storage.k8s.io/pod.uid",
    "csi.storage.k8s.io/serviceAccount.name",
    "csi.storage.k8s.io/ephemeral",
];

/// The directory of what is staged of a volume: `globalmount`, where it is staged,
/// and `vol_data.json` beside that (kubernetes since v1.24,
/// `pkg/volume/csi/csi_attacher.go`, `makeDeviceMountPath`).
pub fn staging_directory(root: &Path, driver: &str, handle: &str) -> PathBuf {
    root.join("plugins/kubernetes.io/csi")
        .join(driver)
        .join(sha256_hex(handle))
}

/// What `vol_data.json` says of a staged volume, as kubelet writes it
/// (`pkg/volume/csi/csi_util.go`, `saveVolumeData`).
pub fn volume_data(driver: &str, handle: &str) -> String {
    let data = serde_json::json!({ "driverName": driver, "volumeHandle": handle });
    format!("{data}\n")
}
