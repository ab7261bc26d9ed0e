//! How a rewrite is done.

use std::path::PathBuf;
use std::time::Duration;

use flex2csi_translators::rewrite::Awaited;
use tokio_util::sync::CancellationToken;

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
            cancel: CancellationToken::new(),
        }
    }

    pub(super) fn patience_for(&self, awaited: Awaited) -> Duration {
        match awaited {
            // A pod's next sync, and the node's next report (kubelet v1.36: 90 s, 10 s).
            Awaited::Kubelet => self.patience * 2,
            _ => self.patience,
        }
    }
}
