//! Taking over a new configuration while a daemon runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::error::ConfigError;
use super::load::{self, Loaded};
use super::seen::Seen;
use crate::log;
use crate::metrics::Reloads;
use crate::operations::Condition;

/// How often files are looked at. Polling needs nothing of the filesystem, and
/// sees what inotify does not: whatever changes behind a link. It costs a stat
/// for each file.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps a configuration up to date.
#[derive(Debug)]
pub struct Reloader {
    path: PathBuf,
    current: watch::Sender<Arc<Loaded>>,
    /// What the newest configuration was read from, whether it could be used or
    /// not.
    seen: Seen,
}

impl Reloader {
    /// Reads the configuration that the daemon starts with.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file, line and column.
    pub fn start(path: &Path) -> Result<Self, ConfigError> {
        let mut seen = Seen::default();
        let loaded = load::read(path, &mut seen)?;
        Ok(Self {
            path: path.to_owned(),
            current: watch::Sender::new(Arc::new(loaded)),
            seen,
        })
    }

    /// The configuration now, and whenever another takes its place. Each is a
    /// whole: whoever works with one keeps it to the end of that work.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.current.subscribe()
    }

    /// Reloads until the shutdown: when a file has changed and then stayed as
    /// it is for a second, so that nothing half written is read, and at each
    /// hangup at once.
    ///
    /// A configuration that is wrong is logged, counted and makes the daemon
    /// not ready; the one before runs on.
    pub async fn run(
        mut self,
        mut hangups: impl Stream<Item = ()> + Unpin,
        reloads: Reloads,
        condition: Condition,
        shutdown: CancellationToken,
    ) {
        condition.met();
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = self.seen.clone();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(()) = hangups.next() => {}
                _ = ticks.tick() => {
                    let now = self.seen.again();
                    let settled = now == std::mem::replace(&mut last, now.clone());
                    if !settled || now == self.seen {
                        continue;
                    }
                }
            }
            self.reload(&reloads, &condition).await;
            last = self.seen.clone();
        }
    }

    async fn reload(&mut self, reloads: &Reloads, condition: &Condition) {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut seen = Seen::default();
            let read = load::read(&path, &mut seen);
            (read, seen)
        });
        let read = match read.await {
            Ok((read, seen)) => {
                self.seen = seen;
                if self.seen.again() != self.seen {
                    // It was written while it was read: again when that is over.
                    return;
                }
                read
            }
            Err(broken) => {
                self.seen = self.seen.again();
                Err(ConfigError::BrokeOff {
                    file: self.path.clone(),
                    reason: broken.to_string(),
                })
            }
        };
        match read {
            Ok(loaded) => {
                self.take_over(loaded);
                reloads.succeeded();
                condition.met();
            }
            Err(error) => {
                tracing::error!(%error, "the new configuration is wrong, the one before runs on");
                reloads.failed();
                condition.not_met(format!("the one before runs on: {error}"));
            }
        }
    }

    fn take_over(&self, mut loaded: Loaded) {
        let fixed = loaded.config.keep_fixed(&self.current.borrow().config);
        for key in fixed {
            tracing::warn!(key, "a change of this key takes a restart");
        }
        tracing::info!(path = %self.path.display(), "the configuration was reloaded");
        self.current.send_replace(Arc::new(loaded));
    }
}

/// Sets the log level of each new configuration that has another than the one
/// before. A level that was asked for over HTTP lasts until then.
pub async fn follow_log_level(mut configs: watch::Receiver<Arc<Loaded>>, log: log::Handle) {
    let mut last = configs.borrow_and_update().config.log.level.clone();
    while configs.changed().await.is_ok() {
        let level = configs.borrow_and_update().config.log.level.clone();
        if level != last {
            log.set_level(&level);
            last = level;
        }
    }
}

#[cfg(test)]
mod tests;
