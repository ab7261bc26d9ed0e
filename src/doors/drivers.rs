//! Where CSI drivers are: as configured, or else where kubelet has registered them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::backends::watch;
use crate::backend::Backend;
use crate::config::Loaded;
use crate::flexvolume::volumes::{Backends, Finding, Sockets};
use crate::metrics::Metrics;
use crate::registered_plugins::RegisteredPlugins;

/// The CSI drivers of this node.
#[derive(Debug)]
pub struct Drivers {
    configured: BTreeMap<String, Sockets>,
    /// Where kubelet has the others.
    registered: RegisteredPlugins,
    /// Those that were needed, and where they were.
    found: Mutex<BTreeMap<String, Found>>,
    metrics: Metrics,
}

/// A driver that was found.
#[derive(Debug)]
struct Found {
    socket: PathBuf,
    backend: Arc<Backend>,
    /// It is kept connected, and counted, until this is dropped.
    _watch: DropGuard,
}

impl Drivers {
    /// Those of a configuration, over the connections that there are for it.
    pub fn new(
        loaded: &Loaded,
        backends: &mut super::backends::Backends,
        metrics: &Metrics,
    ) -> Self {
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
            metrics: metrics.clone(),
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
        if let Some(known) = found.get(driver)
            && known.socket == socket
        {
            return known.backend.clone();
        }
        let backend = Arc::new(Backend::new(socket.to_owned(), Some(driver.to_owned())));
        let entry = Found {
            socket: socket.to_owned(),
            _watch: self.watch(driver, socket, &backend),
            backend: backend.clone(),
        };
        found.insert(driver.to_owned(), entry);
        backend
    }

    /// Nobody waits for such a driver before it is needed: it is no condition.
    fn watch(&self, driver: &str, socket: &Path, backend: &Arc<Backend>) -> DropGuard {
        let ended = CancellationToken::new();
        let (metrics, driver) = (self.metrics.clone(), driver.to_owned());
        let socket = socket.display().to_string();
        let watch = watch(backend.clone(), metrics.backend(&driver, &socket), None);
        let until = ended.clone();
        tokio::spawn(async move {
            until.run_until_cancelled(watch).await;
            metrics.forget_backend(&driver, &socket);
        });
        ended.drop_guard()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn up(metrics: &Metrics) -> Vec<String> {
        let text = metrics.text().unwrap();
        let lines = text.lines().map(str::to_owned);
        lines
            .filter(|line| line.starts_with("flex2csi_backend_up{"))
            .collect()
    }

    #[tokio::test]
    async fn a_driver_that_was_found_is_counted_where_it_is() {
        let metrics = Metrics::new();
        let drivers = Drivers {
            configured: BTreeMap::new(),
            registered: RegisteredPlugins::new("/nowhere".into()),
            found: Mutex::default(),
            metrics: metrics.clone(),
        };
        assert_eq!(up(&metrics), [""; 0]);
        for place in ["/nowhere/a.sock", "/nowhere/b.sock"] {
            drivers.learn("d.example.com", Path::new(place));
            drivers.learn("d.example.com", Path::new(place));
            let expected =
                format!(r#"flex2csi_backend_up{{driver="d.example.com",socket="{place}"}} 0"#);
            while up(&metrics) != [expected.as_str()] {
                tokio::task::yield_now().await;
            }
        }
    }
}
