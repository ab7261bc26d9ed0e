//! Counting connections to backends.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Flag;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SocketLabels {
    driver: Arc<str>,
    socket: Arc<str>,
}

/// The series of all backends, by their labels.
#[derive(Debug)]
pub(super) struct BackendFamilies {
    up: Family<SocketLabels, Gauge>,
    connections: Family<SocketLabels, Counter>,
}

impl BackendFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        let families = Self {
            up: Family::default(),
            connections: Family::default(),
        };
        registry.register(
            "flex2csi_backend_up",
            "Whether the backend answers on its socket",
            families.up.clone(),
        );
        registry.register(
            "flex2csi_backend_connections",
            "Connections made to the backend; more than one are reconnects",
            families.connections.clone(),
        );
        families
    }

    /// Takes the series of a socket away that is a backend's no more.
    pub fn forget(&self, driver: &str, socket: &str) {
        let labels = SocketLabels {
            driver: driver.into(),
            socket: socket.into(),
        };
        self.up.remove(&labels);
        self.connections.remove(&labels);
    }

    pub fn socket(&self, driver: &str, socket: &str) -> BackendMetrics {
        let labels = SocketLabels {
            driver: driver.into(),
            socket: socket.into(),
        };
        BackendMetrics {
            up: Flag::new(self.up.get_or_create_owned(&labels)),
            connections: self.connections.get_or_create_owned(&labels),
        }
    }
}

/// One socket of one backend.
#[derive(Debug, Clone)]
pub struct BackendMetrics {
    up: Flag,
    connections: Counter,
}

impl BackendMetrics {
    /// A connection was made.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// There is a connection.
    pub fn up(&self) {
        self.up.set(true);
    }

    /// The connection is gone, or none could be made.
    pub fn down(&self) {
        self.up.set(false);
    }
}
