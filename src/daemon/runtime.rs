//! The runtime.

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::signals;

/// What blocking calls that are under way get to end. One on a backend's mount
/// may never return, and must not keep the process.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a daemon until it ends, on one thread: calls between processes of one
/// machine are several times faster so. Whatever blocks goes to
/// [`tokio::task::spawn_blocking`].
///
/// The token is cancelled by the first SIGTERM or SIGINT; the daemon then ends
/// in its own time. The second ends the process at once.
///
/// # Errors
/// What the daemon ends with; or the system gives no runtime or no signals.
pub fn run<T, F>(daemon: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(async {
        let shutdown = signals::shutdown().context("cannot listen for signals")?;
        daemon(shutdown).await
    });
    runtime.shutdown_timeout(GRACE);
    ended
}
