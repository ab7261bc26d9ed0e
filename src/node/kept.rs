//! What the daemon keeps on a node beside the exec binaries: its records, its sockets
//! and its endpoints' registration, taken away at the end of all.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::site::{EndpointSite, Site};
use crate::node_record::Looked;
use crate::registration::unregister;
use crate::socket::Place;

/// Removes it, if nothing needs it any more. To be run again if it is cut off.
///
/// # Errors
/// A volume is still to be let go of, somebody serves a socket, or the system refuses.
pub(super) fn remove(site: &Site, looked: &Looked) -> anyhow::Result<()> {
    if let Some(record) = looked.records.first() {
        anyhow::bail!(
            "the record {} stays: the volume {} of {} is still to be unstaged or detached, which \
             the daemon does; start it again until `flex2csi node status` lists nothing",
            site.records.display(),
            record.volume.handle,
            record.volume.driver
        );
    }
    for endpoint in &site.endpoints {
        if let Some(volume) = volume_of(&site.kubelet_root, endpoint.name.as_str())? {
            anyhow::bail!(
                "kubelet still has volumes of {}, as in {}: end the pods that have them first",
                endpoint.name,
                volume.display()
            );
        }
    }
    for endpoint in &site.endpoints {
        remove_endpoint(site, endpoint)?;
    }
    remove_socket(&site.exec_socket)?;
    for directory in [&site.records, &site.state.join("handles")] {
        match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("cannot remove {}", directory.display()));
            }
            _ => {}
        }
    }
    // In a pod it is a mount, which stays, and so does what is somebody else's.
    let _ = std::fs::remove_dir(&site.state);
    Ok(())
}

fn remove_endpoint(site: &Site, endpoint: &EndpointSite) -> anyhow::Result<()> {
    // Kubelet forgets the driver first: it would call a socket that is gone.
    unregister(&site.registry, &endpoint.name)
        .with_context(|| format!("cannot unregister {}", endpoint.name))?;
    remove_socket(&endpoint.socket)?;
    if let Some(directory) = endpoint.socket.parent() {
        // The driver's own; another one's has other files in it.
        let _ = std::fs::remove_dir(directory);
    }
    Ok(())
}

fn remove_socket(socket: &Path) -> anyhow::Result<()> {
    if !socket.parent().is_some_and(Path::exists) {
        return Ok(());
    }
    let place = Place::claim(socket).and_then(|place| place.remove());
    place.with_context(|| format!("cannot remove {}", socket.display()))
}

/// What kubelet's CSI plugin says of a volume (kubernetes v1.36 `pkg/volume/csi/csi_util.go`).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VolumeData {
    driver_name: String,
}

/// A directory in which kubelet has a volume of a CSI driver, for a pod or staged.
fn volume_of(root: &Path, driver: &str) -> anyhow::Result<Option<PathBuf>> {
    for pod in entries(&root.join("pods"))? {
        for kind in ["volumes", "volumeDevices"] {
            for volume in entries(&pod.join(kind).join("kubernetes.io~csi"))? {
                // A file that is none says nothing to kubelet either.
                let text = std::fs::read(volume.join("vol_data.json")).unwrap_or_default();
                let data: VolumeData = serde_json::from_slice(&text).unwrap_or_default();
                if data.driver_name == driver {
                    return Ok(Some(volume));
                }
            }
        }
    }
    let staged = root.join("plugins/kubernetes.io/csi").join(driver);
    Ok(entries(&staged)?.into_iter().next())
}

fn entries(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        listed => listed.and_then(|listed| {
            listed
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<PathBuf>>>()
        }),
    };
    listed.with_context(|| format!("cannot list {}", directory.display()))
}
