//! How many claims may be Lost at a time: as many as the cluster binds again fast.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a claim may be Lost before fewer are at a time; or twice as long as the
/// cluster takes at best, since fewer would not help it.
const LOST: Duration = Duration::from_millis(500);

/// What was found out before a slot came counts if it came within this time. (The worker
/// takes it for as new as when this is over, and for two more seconds.)
const SOON: Duration = Duration::from_secs(1);

/// Whoever has waited so long goes on: by then it gives no sign of life.
const LONGEST: Duration = Duration::from_secs(4);

/// Where one begins.
const FIRST: usize = 4;

/// The first say nothing: the controller has a burst of calls (30 by default, of which
/// a volume takes up to four) before its rate counts.
const BURST: usize = 16;

/// Slots for objects between the last look at who uses them and the claim that is
/// bound again.
#[derive(Debug)]
pub struct Slots {
    semaphore: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many slots there should be.
    wanted: f64,
    there: usize,
    most: usize,
    held: HashMap<String, Held>,
    /// How many came back.
    count: usize,
    /// When there were too many for the last time.
    reduced: Option<Instant>,
    /// How long a claim is Lost at best, as far as is known lately.
    best: Option<Duration>,
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
                wanted: float(first),
                there: first,
                most,
                held: HashMap::new(),
                count: 0,
                reduced: None,
                best: None,
            }),
        }
    }

    /// How many there should be now.
    pub fn wanted(&self) -> usize {
        self.state().wanted as usize
    }

    /// Takes a slot for an object, once there is one.
    pub async fn enter(&self, name: &str) {
        if self.state().held.contains_key(name) {
            return;
        }
        let permit = self.permit(LONGEST).await;
        self.hold(name, permit);
    }

    /// Takes a slot for an object if there is one soon; whether it has one.
    pub async fn enter_soon(&self, name: &str) -> bool {
        if self.state().held.contains_key(name) {
            return true;
        }
        let permit = self.permit(SOON).await;
        let has_one = permit.is_some();
        if has_one {
            self.hold(name, permit);
        }
        has_one
    }

    async fn permit(&self, longest: Duration) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.semaphore).acquire_owned();
        timeout(longest, slot).await.ok().and_then(Result::ok)
    }

    fn hold(&self, name: &str, permit: Option<OwnedSemaphorePermit>) {
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
        if let (Some(gone), Some(lost)) = (held.gone, held.lost) {
            state.learn(gone, lost);
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
    /// A claim was Lost for so long.
    fn learn(&mut self, gone: Instant, lost: Duration) {
        self.count += 1;
        let best = match self.best {
            None => lost,
            // Nobody else is to blame.
            Some(best) if self.wanted < 2.0 => (best * 3 + lost) / 4,
            Some(best) => best.min(lost),
        };
        self.best = Some(best);
        let too_long = LOST.max(best * 2);
        // One that was gone before there were fewer says nothing of the fewer.
        let is_news = self.reduced.is_none_or(|reduced| gone > reduced);
        if lost > too_long {
            if is_news {
                self.wanted = (self.wanted * 0.7).max(1.0);
                self.reduced = Some(Instant::now());
            }
        } else if lost <= too_long * 3 / 4 && self.count > BURST {
            let more = match self.reduced {
                // As long as it is fast, half as many again after each round: what is learned of
                // one round is known when the next is under way.
                None => 0.5,
                Some(_) => 1.0 / self.wanted,
            };
            self.wanted = (self.wanted + more).min(float(self.most));
        }
    }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
