//! Under which ids callers know volumes that the backend calls otherwise: for
//! lists, which name volumes that nobody asked for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ids that were translated since the start, by the backend's.
#[derive(Debug, Default)]
pub struct KnownIds {
    /// `None` where two of the caller's ids stand for one volume: no list can
    /// give both back.
    by_backend: Mutex<HashMap<String, Option<String>>>,
}

impl KnownIds {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        // One statement changes it.
        self.by_backend
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a pair.
    pub fn learn(&self, caller: &str, backend: &str) {
        let mut ids = self.lock();
        match ids.get_mut(backend) {
            Some(known) if known.as_deref() != Some(caller) => *known = None,
            Some(_) => {}
            None => {
                ids.insert(backend.to_owned(), Some(caller.to_owned()));
            }
        }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The caller's id.
    pub fn caller(&self, backend: &str) -> Option<String> {
        self.lock().get(backend).cloned().flatten()
    }
}
