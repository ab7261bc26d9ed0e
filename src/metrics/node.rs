//! What a node holds for FlexVolumes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriverLabel {
    driver: Arc<str>,
}

/// The gauges of a node.
#[derive(Debug, Clone)]
pub struct NodeMetrics {
    mounts: Family<DriverLabel, Gauge>,
    attachments: Family<DriverLabel, Gauge>,
    originals: Family<DriverLabel, Gauge>,
    pending: Gauge,
    written: Gauge,
}

/// How many of each driver.
pub type Counts = BTreeMap<String, usize>;

impl NodeMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            mounts: Family::default(),
            attachments: Family::default(),
            originals: Family::default(),
            pending: Gauge::default(),
            written: Gauge::default(),
        };
        registry.register(
            "flex2csi_mounts",
            "FlexVolumes that pods of this node have through a CSI driver",
            metrics.mounts.clone(),
        );
        registry.register(
            "flex2csi_attachments",
            "Volumes that were attached to this node for FlexVolumes",
            metrics.attachments.clone(),
        );
        registry.register(
            "flex2csi_original_mounts",
            "Mounts of this node that are still the original driver's",
            metrics.originals.clone(),
        );
        registry.register(
            "flex2csi_pending_releases",
            "Volumes that no pod of this node has any more, still staged or attached",
            metrics.pending.clone(),
        );
        registry.register_with_unit(
            "flex2csi_record_written_timestamp",
            "When the record of this node's volumes was last written",
            Unit::Seconds,
            metrics.written.clone(),
        );
        metrics
    }

    /// Mounts through the CSI driver, by its name.
    pub fn mounts(&self, counts: &Counts) {
        set(&self.mounts, counts);
    }

    /// Attachments, by CSI driver.
    pub fn attachments(&self, counts: &Counts) {
        set(&self.attachments, counts);
    }

    /// Mounts of original drivers, by FlexVolume driver.
    pub fn originals(&self, counts: &Counts) {
        set(&self.originals, counts);
    }

    /// Volumes that nobody needs and that are not yet given back.
    pub fn pending_releases(&self, count: usize) {
        self.pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The record was written now.
    pub fn record_written(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0, |since| since.as_secs());
        self.written.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }
}

/// What is not counted any more is gone, not zero for ever.
fn set(family: &Family<DriverLabel, Gauge>, counts: &Counts) {
    family.clear();
    for (driver, count) in counts {
        let driver = driver.as_str().into();
        let gauge = family.get_or_create_owned(&DriverLabel { driver });
        gauge.set(i64::try_from(*count).unwrap_or(i64::MAX));
    }
}
