//! All metrics together.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::backend::BackendFamilies;
use super::calls::CallFamilies;
use super::{BackendMetrics, Calls, Door, Flag, NodeMetrics, Reloads, build, process};

/// What [`Metrics::text`] is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriverLabel {
    driver: Arc<str>,
}

/// The metrics of a daemon. Clones count into the same.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    registry: Registry,
    calls: CallFamilies,
    backends: BackendFamilies,
    registered: Family<DriverLabel, Gauge>,
    reloads: Reloads,
    node: NodeMetrics,
}

impl Metrics {
    /// Nothing is counted yet. A daemon makes it when it starts: that is its
    /// start time.
    #[expect(clippy::new_without_default, reason = "it takes the time")]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let registered = Family::default();
        registry.register(
            "flex2csi_registered",
            "Whether kubelet has registered the driver",
            registered.clone(),
        );
        build::register(&mut registry);
        process::register(&mut registry);
        Self(Arc::new(Families {
            calls: CallFamilies::register(&mut registry),
            backends: BackendFamilies::register(&mut registry),
            registered,
            reloads: Reloads::register(&mut registry),
            node: NodeMetrics::register(&mut registry),
            registry,
        }))
    }

    /// Calls that come in by a door for a driver.
    pub fn calls(&self, door: Door, driver: &str) -> Calls {
        self.0.calls.driver(door, driver)
    }

    /// A backend's socket. It is down until it is said to be up.
    pub fn backend(&self, driver: &str, socket: &str) -> BackendMetrics {
        self.0.backends.socket(driver, socket)
    }

    /// Says no more of a socket that is not a backend's any more.
    pub fn forget_backend(&self, driver: &str, socket: &str) {
        self.0.backends.forget(driver, socket);
    }

    /// Whether kubelet has registered a driver of ours.
    pub fn registered(&self, driver: &str) -> Flag {
        let driver = driver.into();
        let gauge = self
            .0
            .registered
            .get_or_create_owned(&DriverLabel { driver });
        Flag::new(gauge)
    }

    /// What becomes of new configurations.
    pub fn reloads(&self) -> &Reloads {
        &self.0.reloads
    }

    /// What this node holds.
    pub fn node(&self) -> &NodeMetrics {
        &self.0.node
    }

    /// All of them as OpenMetrics text.
    ///
    /// # Errors
    /// The library refuses one of its own metrics.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
