//! `flex2csi pin`: what runs in a pin pod. The pod is there for its volume; its
//! container does nothing until it is told to end.

use crate::daemon;
use crate::exit::Done;

/// Waits until it is told to end.
///
/// # Errors
/// Signals cannot be waited for.
pub fn run() -> anyhow::Result<Done> {
    daemon::run(async |stop| {
        stop.cancelled().await;
        Ok(Done::All)
    })
}
