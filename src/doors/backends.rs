//! The backends of a daemon: one connection for each socket, kept up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::metrics::{BackendMetrics, Metrics};
use crate::operations::{Condition, Conditions};

/// How often a backend is looked at that nobody calls.
const EVERY: Duration = Duration::from_secs(1);

/// The backends, by their sockets.
#[derive(Debug, Default)]
pub struct Backends(BTreeMap<PathBuf, Arc<Backend>>);

impl Backends {
    /// The backend at a socket; the same for the same socket.
    pub fn at(&mut self, socket: &Path, driver: &str) -> Arc<Backend> {
        let new = || Arc::new(Backend::new(socket.to_owned(), Some(driver.to_owned())));
        self.0.entry(socket.to_owned()).or_insert_with(new).clone()
    }

    /// Keeps all connected until `shutdown`, and says whether they are.
    pub fn watch(&self, metrics: &Metrics, conditions: &Conditions, shutdown: &CancellationToken) {
        for (socket, backend) in &self.0 {
            let driver = backend.driver().unwrap_or_default();
            let socket = socket.display().to_string();
            let metrics = metrics.backend(&driver, &socket);
            let condition = conditions.add(format!("backend {driver} at {socket}"));
            let watch = watch(backend.clone(), metrics, Some(condition));
            let shutdown = shutdown.clone();
            tokio::spawn(async move { shutdown.run_until_cancelled(watch).await });
        }
    }
}

/// Keeps a backend connected, and says whether it is; without a condition in metrics
/// and the log alone.
pub(super) async fn watch(
    backend: Arc<Backend>,
    metrics: BackendMetrics,
    condition: Option<Condition>,
) {
    let mut counted = 0;
    let mut said = String::new();
    loop {
        let connected = backend.connection().await;
        let connections = backend.connections();
        for _ in counted..connections {
            metrics.connected();
        }
        counted = connections;
        match connected {
            Ok(_) => {
                metrics.up();
                if let Some(condition) = &condition {
                    condition.met();
                }
                said.clear();
            }
            Err(error) => {
                metrics.down();
                let error = error.to_string();
                if let Some(condition) = &condition {
                    condition.not_met(&error);
                }
                if error != said {
                    tracing::warn!(%error, "the backend is not there");
                    said = error;
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
