//! What is so or is not.

use prometheus_client::metrics::gauge::Gauge;

/// A gauge that is 1 or 0.
#[derive(Debug, Clone)]
pub struct Flag(Gauge);

impl Flag {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self(gauge)
    }

    /// Whether it is so.
    pub fn set(&self, is_so: bool) {
        self.0.set(i64::from(is_so));
    }
}
