//! How many claims may be Lost at a time: as many as the cluster binds again fast.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a claim may be Lost before fewer are at a time.
const LOST: Duration = Duration::from_millis(500);

/// Whoever has waited so long goes on: others may wait for it in turn.
const LONGEST: Duration = Duration::from_secs(4);

/// Where one begins.
const FIRST: usize = 4;

/// Slots for objects between their commit and the claim that is bound again.
#[derive(Debug)]
pub struct Slots {
    semaphore: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many slots there should be; it grows by one when all were used well, and
    /// shrinks at once.
    wanted: f64,
    there: usize,
    most: usize,
    held: HashMap<String, Held>,
}

#[derive(Debug)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    gone: Option<Instant>,
    lost: Option<Duration>,
}

impl Slots {
    /// At most so many.
    pub fn new(most: usize) -> Self {
        let first = most.min(FIRST);
        Self {
            semaphore: Arc::new(Semaphore::new(first)),
            state: Mutex::new(State {
                wanted: f64::from(u32::try_from(first).unwrap_or(u32::MAX)),
                there: first,
                most,
                held: HashMap::new(),
            }),
        }
    }

    /// Takes a slot for an object, once there is one.
    pub async fn enter(&self, name: &str) {
        if self.state().held.contains_key(name) {
            return;
        }
        let slot = Arc::clone(&self.semaphore).acquire_owned();
        let permit = timeout(LONGEST, slot).await.ok().and_then(Result::ok);
        let held = Held {
            permit,
            gone: None,
            lost: None,
        };
        self.state().held.insert(name.to_owned(), held);
    }

    /// Takes note of how things are with an object's claim.
    pub fn seen(&self, name: &str, is_there: bool, is_bound: bool) {
        if let Some(held) = self.state().held.get_mut(name) {
            match (is_there, held.gone) {
                (false, None) => held.gone = Some(Instant::now()),
                (true, Some(gone)) if is_bound && held.lost.is_none() => {
                    held.lost = Some(gone.elapsed());
                }
                _ => {}
            }
        }
    }

    /// Gives the slot of an object back, if it has one.
    pub fn leave(&self, name: &str) {
        let mut state = self.state();
        let Some(held) = state.held.remove(name) else {
            return;
        };
        if let Some(lost) = held.lost {
            state.learn(lost);
        }
        let wanted = state.wanted as usize;
        match held.permit {
            Some(permit) if state.there > wanted => {
                permit.forget();
                state.there -= 1;
            }
            permit => drop(permit),
        }
        while state.there < wanted {
            self.semaphore.add_permits(1);
            state.there += 1;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Numbers, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learn(&mut self, lost: Duration) {
        let most = f64::from(u32::try_from(self.most).unwrap_or(u32::MAX));
        self.wanted = if lost > LOST {
            (self.wanted * 0.8).max(1.0)
        } else {
            (self.wanted + 1.0 / self.wanted).min(most)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pass(slots: &Slots, lost: Duration) {
        slots.enter("a").await;
        slots.seen("a", true, true);
        slots.seen("a", false, false);
        tokio::time::sleep(lost).await;
        slots.seen("a", true, true);
        slots.leave("a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_cluster_gets_fewer_and_a_fast_one_more_again() {
        let slots = Slots::new(16);
        for _ in 0..20 {
            pass(&slots, Duration::from_secs(2)).await;
        }
        assert_eq!(slots.semaphore.available_permits(), 1);
        for _ in 0..500 {
            pass(&slots, Duration::from_millis(100)).await;
        }
        assert_eq!(slots.semaphore.available_permits(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let slots = Slots::new(1);
        slots.enter("a").await;
        slots.enter("a").await;
        let began = Instant::now();
        slots.enter("b").await;
        assert!(began.elapsed() >= LONGEST);
        slots.leave("b");
        slots.leave("a");
        slots.leave("a");
        assert_eq!(slots.semaphore.available_permits(), 1);
    }
}
