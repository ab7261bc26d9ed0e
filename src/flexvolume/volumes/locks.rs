//! One call at a time on one thing; there are as many locks as things in use.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

type Map<K> = Arc<Mutex<HashMap<K, Arc<AsyncMutex<()>>>>>;

/// The locks of things of one kind.
pub(super) struct Locks<K: Eq + Hash + Clone> {
    map: Map<K>,
}

/// A lock that is held until this is dropped, by whichever task has it.
pub(super) struct Guard<K: Eq + Hash + Clone> {
    held: Option<OwnedMutexGuard<()>>,
    entry: Entry<K>,
}

/// Takes the lock away with its last user.
struct Entry<K: Eq + Hash + Clone> {
    map: Map<K>,
    key: K,
}

impl<K: Eq + Hash + Clone> Default for Locks<K> {
    fn default() -> Self {
        Self {
            map: Arc::default(),
        }
    }
}

impl<K: Eq + Hash + Clone> Locks<K> {
    /// Takes the lock of a thing, in the order of asking; `None` if it is not to be
    /// had until the deadline.
    pub async fn take(&self, key: &K, deadline: Instant) -> Option<Guard<K>> {
        let lock = locked(&self.map).entry(key.clone()).or_default().clone();
        let entry = Entry {
            map: self.map.clone(),
            key: key.clone(),
        };
        // The lock's own handle goes before the entry looks whether it is the last.
        let held = timeout_at(deadline, lock.lock_owned()).await.ok()?;
        Some(Guard {
            held: Some(held),
            entry,
        })
    }
}

impl<K: Eq + Hash + Clone> Guard<K> {
    /// What is locked.
    pub fn key(&self) -> &K {
        &self.entry.key
    }
}

impl<K: Eq + Hash + Clone> Drop for Guard<K> {
    fn drop(&mut self) {
        self.held = None;
    }
}

impl<K: Eq + Hash + Clone> Drop for Entry<K> {
    fn drop(&mut self) {
        let mut map = locked(&self.map);
        if map
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            map.remove(&self.key);
        }
    }
}

fn locked<K>(
    map: &Mutex<HashMap<K, Arc<AsyncMutex<()>>>>,
) -> MutexGuard<'_, HashMap<K, Arc<AsyncMutex<()>>>> {
    // Each change is one statement.
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_nothing_is_left() {
        let locks = Locks::<&str>::default();
        let held = locks.take(&"a", soon()).await.unwrap();
        assert_eq!(held.key(), &"a");
        assert!(locks.take(&"a", soon()).await.is_none());
        assert!(locks.take(&"b", soon()).await.is_some());
        assert_eq!(locked(&locks.map).len(), 1);
        drop(held);
        assert!(locks.take(&"a", soon()).await.is_some());
        assert!(locked(&locks.map).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_it_from_another_task() {
        let locks = Arc::new(Locks::<u8>::default());
        let held = locks.take(&1, soon()).await.unwrap();
        let later = Instant::now() + Duration::from_secs(60);
        let waiting = {
            let locks = locks.clone();
            tokio::spawn(async move { locks.take(&1, later).await.is_some() })
        };
        tokio::task::yield_now().await;
        tokio::spawn(async move { drop(held) });
        assert!(waiting.await.unwrap());
        assert!(locked(&locks.map).is_empty());
    }
}
