//! Until when something has to be over.

use std::time::{Duration, Instant};

/// Longer than any caller waits; a longer time could not be added to a clock.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A moment.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now on.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(LONGEST))
    }

    /// The earlier of two.
    pub fn or_after(self, time: Duration) -> Self {
        Self(self.0.min(Self::after(time).0))
    }

    /// The later of two.
    pub fn or_later(self, time: Duration) -> Self {
        Self(self.0.max(Self::after(time).0))
    }

    /// What is left until then: nothing, or more than zero.
    pub fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Sleeps, at most until then.
    pub fn sleep(self, time: Duration) {
        std::thread::sleep(self.left().unwrap_or_default().min(time));
    }
}
