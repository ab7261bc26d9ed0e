//! Counting what becomes of new configurations.

use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Flag;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// What became of new configurations.
#[derive(Debug, Clone)]
pub struct Reloads {
    success: Counter,
    failure: Counter,
    last_successful: Flag,
    last_success: Gauge<f64, AtomicU64>,
}

impl Reloads {
    /// The configuration with which the program started counts as the last that
    /// was loaded, and as no reload.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let results = Family::<ResultLabels, Counter>::default();
        registry.register(
            "flex2csi_config_reloads",
            "New configurations, by whether they could be used",
            results.clone(),
        );
        let result = |result| results.get_or_create_owned(&ResultLabels { result });
        let last_successful = Gauge::default();
        registry.register(
            "flex2csi_config_last_reload_successful",
            "Whether the newest configuration is the one that runs",
            last_successful.clone(),
        );
        let last_success = Gauge::default();
        registry.register_with_unit(
            "flex2csi_config_last_reload_success_timestamp",
            "When the configuration that runs was loaded, since 1970",
            Unit::Seconds,
            last_success.clone(),
        );
        let reloads = Self {
            success: result("success"),
            failure: result("failure"),
            last_successful: Flag::new(last_successful),
            last_success,
        };
        reloads.runs();
        reloads
    }

    /// A new configuration runs.
    pub fn succeeded(&self) {
        self.success.inc();
        self.runs();
    }

    /// A new configuration is wrong; the one before runs on.
    pub fn failed(&self) {
        self.failure.inc();
        self.last_successful.set(false);
    }

    fn runs(&self) {
        self.last_successful.set(true);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last_success.set(now.unwrap_or_default().as_secs_f64());
    }
}
