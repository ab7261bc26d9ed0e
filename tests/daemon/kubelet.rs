//! What kubelet does with plugins that want to be registered: it finds their
//! sockets, asks what they are, calls the driver, and says what it made of it.

use std::fs;
use std::path::{Path, PathBuf};

use flex2csi::csi::registration::registration_client::RegistrationClient;
use flex2csi::csi::registration::{InfoRequest, PluginInfo, RegistrationStatus};
use tonic::transport::{Channel, Endpoint};

use crate::daemon::until;

/// The plugin sockets in a registry; kubelet passes over names with a dot.
pub fn plugins(registry: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(registry).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let hidden = |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes()[0] == b'.';
    paths.filter(|path| !hidden(path)).collect()
}

/// A kubelet that has found one plugin.
pub struct Kubelet {
    client: RegistrationClient<Channel>,
    pub info: PluginInfo,
}

impl Kubelet {
    /// Waits for the one plugin of a registry, and asks it what it is.
    pub async fn finds(registry: &Path) -> Self {
        let (client, info) = until("a plugin can be registered", async || {
            let plugins = plugins(registry);
            let [plugin] = &plugins[..] else {
                assert!(plugins.is_empty(), "{plugins:?}");
                return None;
            };
            let endpoint = Endpoint::from_shared(format!("unix:{}", plugin.display())).unwrap();
            let mut client = RegistrationClient::new(endpoint.connect().await.ok()?);
            let info = client.get_info(InfoRequest {}).await.unwrap().into_inner();
            Some((client, info))
        })
        .await;
        Self { client, info }
    }

    /// Says that it calls the driver, or why it does not.
    pub async fn says(&mut self, refused: Option<&str>) {
        let status = RegistrationStatus {
            plugin_registered: refused.is_none(),
            error: refused.unwrap_or_default().to_owned(),
        };
        let said = self.client.notify_registration_status(status).await;
        said.unwrap();
    }
}
