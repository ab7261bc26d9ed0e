//! How long to wait before the next look.

use std::time::Duration;

/// Waits that grow.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// For what a controller does: at once, or after a while.
    pub(super) fn look() -> Self {
        Self::new(Duration::from_millis(8), Duration::from_secs(1))
    }

    /// For a server that does not answer.
    pub(super) fn retry() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(5))
    }

    fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            longest,
        }
    }

    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 3 / 2).min(self.longest);
        wait
    }
}
