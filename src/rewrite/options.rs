//! How a rewrite is done.

use std::path::PathBuf;
use std::time::Duration;

use flex2csi_translators::rewrite::{Awaited, PinSettings};
use tokio_util::sync::CancellationToken;

/// Where pin pods run: in the namespace of the node daemons.
pub const PIN_NAMESPACE: &str = "flex2csi-system";

/// What runs in pin pods: this program.
pub const PIN_IMAGE: &str = concat!("flex2csi:", env!("CARGO_PKG_VERSION"));

/// The class of what nodes put out last; every cluster has it.
pub const PIN_PRIORITY_CLASS: &str = "system-node-critical";

/// How a rewrite is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of this process in records. No other process has it, and none had
    /// it before.
    pub holder: String,
    /// Where originals are written to before anything is touched.
    pub backup: Option<PathBuf>,
    /// After this time without a sign of life another holder counts as dead. Nothing
    /// is lost if it is not: two at once are held apart by preconditions.
    pub stale_after: Duration,
    /// How long the controllers may take for one thing.
    pub patience: Duration,
    /// How long the API server may be unreachable, or too busy.
    pub outage: Duration,
    /// How volumes are pinned to nodes while they are replaced under pods.
    pub pins: PinSettings,
    /// When cancelled, what is past its point of no return is finished, and nothing
    /// else begun.
    pub cancel: CancellationToken,
}

impl Options {
    /// The defaults, for a holder.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            backup: None,
            stale_after: Duration::from_secs(15),
            patience: Duration::from_secs(120),
            outage: Duration::from_secs(300),
            pins: PinSettings {
                namespace: PIN_NAMESPACE.to_owned(),
                image: PIN_IMAGE.to_owned(),
                priority_class: Some(PIN_PRIORITY_CLASS.to_owned()),
            },
            cancel: CancellationToken::new(),
        }
    }

    pub(super) fn patience_for(&self, awaited: Awaited) -> Duration {
        match awaited {
            // A pod's next sync, and the node's next report (kubelet v1.36: 90 s, 10 s).
            Awaited::Pin | Awaited::Kubelet | Awaited::Unpinned => self.patience * 2,
            _ => self.patience,
        }
    }
}
