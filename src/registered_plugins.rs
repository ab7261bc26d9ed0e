//! The CSI drivers that kubelet has registered on this node, found as kubelet finds
//! them: each socket in its registry is asked what it is and where its driver is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use crate::csi::registration::InfoRequest;
use crate::csi::registration::registration_client::RegistrationClient;

/// How long one socket may take: as long as kubelet gives it (kubernetes
/// `pkg/kubelet/pluginmanager/operationexecutor`, v1.36).
const PATIENCE: Duration = Duration::from_secs(1);

/// The most sockets that are asked at a time.
const AT_ONCE: usize = 64;

/// How deep registrars put their sockets below the registry.
const DEPTH: usize = 3;

/// `PluginInfo.type` of CSI drivers.
const CSI_PLUGIN: &str = "CSIPlugin";

/// Why a driver is not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry cannot be read.
    #[error("kubelet's registry {} cannot be read: {source}", path.display())]
    Registry {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No socket is its.
    #[error(
        "no plugin in {} is it: install the CSI driver on this node, or give its socket in \
         `backends`", path.display()
    )]
    NotRegistered {
        /// The directory.
        path: PathBuf,
    },
}

/// The socket of a CSI driver that kubelet has registered.
///
/// # Errors
/// There is none.
pub async fn socket_of(registry: &Path, driver: &str) -> Result<PathBuf, RegistryError> {
    let mut sockets = Vec::new();
    sockets_below(registry, DEPTH, &mut sockets).map_err(|source| RegistryError::Registry {
        path: registry.to_owned(),
        source,
    })?;
    // A registrar's socket is mostly named for its driver.
    sockets.sort_by_key(|socket| !named_for(socket, driver));
    let mut asked = JoinSet::new();
    let mut sockets = sockets.into_iter();
    loop {
        while asked.len() < AT_ONCE
            && let Some(socket) = sockets.next()
        {
            asked.spawn(async move { tokio::time::timeout(PATIENCE, ask(&socket)).await });
        }
        match asked.join_next().await {
            Some(Ok(Ok(Some((name, endpoint))))) if name == driver => return Ok(endpoint),
            Some(_) => {}
            None => {
                return Err(RegistryError::NotRegistered {
                    path: registry.to_owned(),
                });
            }
        }
    }
}

fn named_for(socket: &Path, driver: &str) -> bool {
    let name = socket.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(driver))
}

/// The sockets in a directory, as kubelet looks for them: what begins with a dot is none.
fn sockets_below(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;

    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type()?;
        if is_hidden {
            continue;
        }
        if kind.is_socket() {
            found.push(entry.path());
        } else if kind.is_dir() && depth > 1 {
            // One that is gone meanwhile has nothing.
            let _ = sockets_below(&entry.path(), depth - 1, found);
        }
    }
    Ok(())
}

/// Which driver a socket registers, and where that is; nothing if it does not say.
async fn ask(socket: &Path) -> Option<(String, PathBuf)> {
    let endpoint = Endpoint::from_shared(format!("unix:{}", socket.to_str()?)).ok()?;
    let channel = endpoint.connect().await.ok()?;
    // The longest path and name there are fit many times.
    let mut client = RegistrationClient::new(channel).max_decoding_message_size(64 << 10);
    let info = client.get_info(InfoRequest {}).await.ok()?.into_inner();
    let path = PathBuf::from(info.endpoint);
    (info.r#type == CSI_PLUGIN && path.is_absolute()).then_some((info.name, path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::registration::Registration;

    fn register(registry: &Path, driver: &str) -> CancellationToken {
        let endpoint = Path::new("/csi").join(driver).join("csi.sock");
        let registration = Registration::bind(registry, &driver.parse().unwrap(), &endpoint);
        let (registration, stop) = (registration.unwrap(), CancellationToken::new());
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(registration.serve(stopped));
        stop
    }

    #[tokio::test]
    async fn a_registered_driver_is_found_among_others() {
        let registry = tempfile::tempdir().unwrap();
        let _stops = ["a.b", "c.d"].map(|driver| register(registry.path(), driver));
        // One that never answers, one that is gone, and what is no socket.
        let _silent = UnixListener::bind(registry.path().join("silent.sock")).unwrap();
        drop(UnixListener::bind(registry.path().join("gone.sock")).unwrap());
        std::fs::write(registry.path().join("file"), "").unwrap();
        let found = socket_of(registry.path(), "c.d").await.unwrap();
        assert_eq!(found, Path::new("/csi/c.d/csi.sock"));
        let error = socket_of(registry.path(), "e.f").await.unwrap_err();
        assert!(
            matches!(error, RegistryError::NotRegistered { .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_said() {
        let error = socket_of(Path::new("/nowhere"), "a.b").await.unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }
}
