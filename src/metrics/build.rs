//! Which program this is.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "flex2csi_build",
        "Which program this is",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
}
