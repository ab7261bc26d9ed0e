//! Where CSI drivers are: as configured, or else where kubelet has registered them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::Backend;
use crate::config::Loaded;
use crate::flexvolume::volumes::{Backends, Finding, Sockets};
use crate::registered_plugins::RegisteredPlugins;

/// The CSI drivers of this node.
#[derive(Debug)]
pub struct Drivers {
    configured: BTreeMap<String, Sockets>,
    /// Where kubelet has the others.
    registered: RegisteredPlugins,
    /// Those that were needed, and where they were.
    found: Mutex<BTreeMap<String, (PathBuf, Arc<Backend>)>>,
}

impl Drivers {
    /// Those of a configuration, over the connections that there are for it.
    pub fn new(loaded: &Loaded, backends: &mut super::backends::Backends) -> Self {
        let configured = loaded.config.backends.iter().map(|backend| {
            let driver = &backend.driver;
            let sockets = Sockets {
                node: backends.at(&backend.socket, driver),
                controller: Some(backends.at(&backend.controller_socket, driver)),
            };
            (driver.clone(), sockets)
        });
        Self {
            configured: configured.collect(),
            registered: RegisteredPlugins::new(loaded.config.kubelet.registry.clone()),
            found: Mutex::default(),
        }
    }

    /// A driver that kubelet has registered. It is looked for again when nothing is
    /// at the place where it was: drivers are reinstalled elsewhere.
    async fn registered(&self, driver: &str) -> Result<Arc<Backend>, String> {
        let socket = self.registered.endpoint(driver).await;
        let socket = socket.map_err(|error| error.to_string())?;
        Ok(self.learn(driver, &socket))
    }

    fn learn(&self, driver: &str, socket: &Path) -> Arc<Backend> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, backend)) = found.get(driver)
            && known == socket
        {
            return backend.clone();
        }
        let backend = Arc::new(Backend::new(socket.to_owned(), Some(driver.to_owned())));
        let entry = (socket.to_owned(), backend.clone());
        found.insert(driver.to_owned(), entry);
        backend
    }
}

impl Backends for Drivers {
    fn find<'a>(&'a self, driver: &'a str) -> Finding<'a> {
        Box::pin(async move {
            if let Some(sockets) = self.configured.get(driver) {
                return Ok(sockets.clone());
            }
            let node = self.registered(driver).await?;
            // Some serve both on one socket; one that does not says so.
            Ok(Sockets {
                controller: Some(node.clone()),
                node,
            })
        })
    }
}
